// The AWS emulator of the tests: installed once into a folder, started on a free port of the loopback interface, stopped
// with all that it started. Plain JavaScript for Node 20: `scripts/test-integration.mjs` runs it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const requirements = join(dirname(fileURLToPath(import.meta.url)), 'requirements.txt');

/**
 * Makes the virtual environment `home` hold what `requirements.txt` says, unless it does.
 * @param {{home: string, run: (command: string, args: string[], options?: object) => Promise<string>}} request
 * @returns {Promise<string>} the emulator's program
 */
export async function installEmulator({ home, run }) {
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
 * Starts the emulator and waits until it answers.
 * @param {{program: string, folder: string}} request `folder`: for its log and its files, the caller's to remove
 * @returns {Promise<{url: string, stop: () => Promise<void>}>}
 */
export async function startEmulator({ program, folder }) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = join(folder, 'emulator.log');
  const output = openSync(log, 'a');
  const child = spawn(program, [], {
    cwd: folder,
    env: scrubbedEnvironment({ port, url, folder }),
    stdio: ['ignore', output, output],
    // Its own process group: what it starts goes with it.
    detached: true,
  });
  const exited = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
  const stop = async () => {
    endGroup(child.pid, 'SIGTERM');
    const timer = setTimeout(() => endGroup(child.pid, 'SIGKILL'), 5000);
    await exited;
    clearTimeout(timer);
    endGroup(child.pid, 'SIGKILL');
  };
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) break;
    const answer = await fetch(`${url}/_ministack/health`).catch(() => undefined);
    if (answer?.ok) return { url, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  throw new Error(`the emulator does not answer:\n${readFileSync(log, 'utf8').slice(-2000)}`);
}

/** Nothing of the caller's account, proxy or Python reaches the emulator, and it reaches no account. */
function scrubbedEnvironment({ port, url, folder }) {
  return {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: folder,
    TMPDIR: folder,
    LANG: 'C.UTF-8',
    BIND_HOST: '127.0.0.1',
    GATEWAY_PORT: String(port),
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_DEFAULT_REGION: 'us-east-1',
    LOG_LEVEL: 'WARNING',
  };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function endGroup(pid, signal) {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
