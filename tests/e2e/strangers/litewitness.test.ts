import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { serveProcess, type ServeProcess } from '../../../clients/cli/src/lifecycle/serve-process.ts';
import { openCosignature } from '../../fixtures/foreign-log.ts';
import { openCheckpoint, readProof } from '../../fixtures/plain-log.ts';
import { waitFor } from '../running-node.ts';
import { givenTools } from './stranger.ts';

/** The witness of another project watches the log of a node. */
const execute = promisify(execFile);
const tools = givenTools();
const whenThere = tools.has.includes('litewitness') ? test : test.skip;
const path = [...tools.programs, process.env['PATH'] ?? ''].join(delimiter);

let folder: string;
let node: ServeProcess | undefined;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-lite-'));
});
afterAll(async () => {
  await node?.stop();
  for (const child of children.toReversed()) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
}, 60_000);

whenThere(
  'litewitness cosigns a node’s log from its first checkpoint on, and follows its proofs',
  async () => {
    const home = join(folder, 'node');
    node = await serveProcess({ home, port: 0 });
    const { url } = node;
    const key = (await readFile(join(home, 'owner.key'), 'utf8')).trim();
    const headers = { authorization: `Bearer ${key}`, accept: 'text/plain', 'content-type': 'application/json' };
    const bundle = await (await fetch(`${url}/log/bundle`, { headers })).json();
    const { documents } = bundle as { documents: { log: { vkeys: string[] } }[] };
    const [logKey = ''] = documents.at(-1)?.log.vkeys ?? [];

    const witness = await startLitewitness(logKey);
    await writeFile(join(home, 'signet.json'), JSON.stringify({ witnesses: [witness] }));
    const sizes: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const body = JSON.stringify({ model: 'signet-edge-1', messages: [{ role: 'user', content: 'hello' }] });
      const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body });
      await answer.body?.cancel();
      const receipt = `${url}/api/v1/receipts/${answer.headers.get('signet-receipt') ?? ''}`;
      const { checkpoint } = await waitFor('a receipt that litewitness cosigned', async () => {
        const text = await (await fetch(receipt, { headers })).text();
        return text.includes('— lite.example/w ') ? readProof(text) : undefined;
      });
      const line = checkpoint.split('\n').find((one) => one.startsWith('— lite.example/w ')) ?? '';
      expect(openCosignature(`${line}\n`, witness.vkey, checkpoint)).toBeGreaterThan(0);
      sizes.push(openCheckpoint(checkpoint, logKey).size);
    }
    expect(new Set(sizes).size).toBe(3);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  },
  240_000,
);

/** With a key in an agent of its own, and one log in its database. */
async function startLitewitness(logKey: string): Promise<{ url: string; vkey: string }> {
  const at = join(folder, 'witness');
  await mkdir(at);
  const socket = join(at, 'agent');
  await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(at, 'key')]);
  children.push(spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' }));
  await waitFor('the agent', async () => {
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    return execute('ssh-add', ['-q', join(at, 'key')], { env }).then(() => true);
  });
  const { stdout: printed } = await execute('ssh-keygen', ['-lf', join(at, 'key.pub')]);
  const database = new DatabaseSync(join(at, 'witness.db'));
  database.exec(`CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
    CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));`);
  const [origin = ''] = logKey.split('+');
  database.prepare('INSERT INTO log VALUES (?, 0, ?)').run(origin, '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  database.prepare('INSERT INTO key VALUES (?, ?)').run(origin, logKey);
  database.close();
  const port = await freePort();
  const names = ['-name', 'lite.example/w', '-db', join(at, 'witness.db'), '-ssh-agent', socket];
  const where = ['-key', printed.split(' ')[1] ?? '', '-listen', `127.0.0.1:${port}`];
  const child = spawn('litewitness', [...names, ...where], { env: { ...process.env, PATH: path }, stdio: 'pipe' });
  children.push(child);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (said += piece));
  child.stdout.resume();
  const vkey = await waitFor('litewitness to listen', async () =>
    said.includes('listening') ? /vkey=(\S+)/.exec(said)?.[1] : undefined,
  );
  return { url: `http://127.0.0.1:${port}`, vkey };
}

/** Free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
