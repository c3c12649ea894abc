// Amazon's own DynamoDB for tests, the stricter judge of the table. Plain JavaScript for Node 20.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServer } from './start-server.mjs';

const folder_of_sources = join(dirname(fileURLToPath(import.meta.url)), 'dynamodb-local');
const pom = join(folder_of_sources, 'pom.xml');

/**
 * Fetches the libraries into `home`, unless they are there.
 * @param {{home: string, run: (command: string, args: string[], options?: object) => Promise<string>}} request
 * @returns {Promise<string>} the folder of the libraries
 */
export async function installDynamodbLocal({ home, run }) {
  const jars = join(home, 'jars');
  const wanted = readFileSync(pom, 'utf8');
  const mark = join(home, 'installed.xml');
  if (!existsSync(mark) || readFileSync(mark, 'utf8') !== wanted) {
    mkdirSync(home, { recursive: true });
    await run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`], {
      quiet: true,
    });
    writeFileSync(mark, wanted);
  }
  return jars;
}

/**
 * Starts it in memory, without telemetry, and waits until it answers.
 * @param {{jars: string, folder: string}} request
 */
export function startDynamodbLocal({ jars, folder }) {
  const virtual_machine = [
    // It lives for seconds: the second compiler would take longer than it saves.
    '-XX:TieredStopAtLevel=1',
    '-Xmx512m',
    `-Duser.home=${folder}`,
    `-Djava.library.path=${jars}`,
    '-cp',
    `${jars}/*`,
    join(folder_of_sources, 'LoopbackServer.java'),
  ];
  return startServer({
    title: 'DynamoDB Local',
    folder,
    command: (port) => [
      'java',
      [...virtual_machine, '-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)],
    ],
    environment: () => ({ DDB_LOCAL_TELEMETRY: '0' }),
    // An unsigned request is refused: it is there.
    isReady: async (url) => (await fetch(url)).status === 400,
  });
}
