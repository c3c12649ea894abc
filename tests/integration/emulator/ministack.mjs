// The AWS emulator of the tests. Plain JavaScript for Node 20: `scripts/test-integration.mjs` runs it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from './start-server.mjs';

const requirements = join(dirname(fileURLToPath(import.meta.url)), 'requirements.txt');

/**
 * Makes the virtual environment `home` hold what `requirements.txt` says, unless it does.
 * @param {{home: string, run: (command: string, args: string[], options?: object) => Promise<string>}} request
 * @returns {Promise<string>} the emulator's program
 */
export async function installMinistack({ home, run }) {
  const wanted = readFileSync(requirements, 'utf8');
  const mark = join(home, 'installed.txt');
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== wanted) {
    mkdirSync(home, { recursive: true });
    await run('python3', ['-m', 'venv', '--clear', home], { quiet: true });
    await run(join(home, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '-r', requirements], { quiet: true });
    writeFileSync(mark, wanted);
  }
  return join(home, 'bin', 'ministack');
}

/**
 * Starts the emulator and waits until it answers. It reaches no account: its credentials are made up, and where it calls
 * AWS itself it calls itself.
 * @param {{program: string, folder: string}} request `folder`: for its log and its files, the caller's to remove
 */
export function startMinistack({ program, folder }) {
  return startServer({
    title: 'the AWS emulator',
    folder,
    command: () => [program, []],
    environment: (port) => ({
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_DEFAULT_REGION: 'us-east-1',
      LOG_LEVEL: 'WARNING',
    }),
    isReady: async (url) => (await fetch(`${url}/_ministack/health`)).ok,
  });
}
