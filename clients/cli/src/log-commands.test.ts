import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { openLogWorld, type LogWorld } from '../../../tests/fixtures/log-world.ts';

const binary = join(dirname(dirname(fileURLToPath(import.meta.url))), 'bin', 'signet.mjs');

let world: LogWorld;
let server: Server;
let url: string;
let receipt: string;
let reader: string;
let old: string;
/** Each test starts the real program several times. */
jest.setTimeout(60_000);

beforeAll(async () => {
  world = await openLogWorld();
  await world.append(2);
  await world.sealer().seal();
  old = await note();
  const [id = ''] = await world.append(2);
  await world.sealer().seal();
  const proof = await world.receipts.proof(id, 'default');
  receipt = join(world.node.home, 'receipt');
  await writeFile(receipt, proof?.kind === 'sealed' ? proof.text : '');
  server = createServer((request, response) => void answer(request.url ?? '', response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await world.close();
});
beforeEach(async () => {
  reader = join(world.node.home, 'reader');
  await rm(reader, { recursive: true, force: true });
  await mkdir(reader);
});

async function note(): Promise<string> {
  return Buffer.from((await world.log.file('checkpoint'))?.bytes ?? []).toString();
}

function bundle(): object {
  const { node_id, chain } = world.node.identity;
  return { node_id, documents: chain };
}

async function answer(path: string, response: ServerResponse): Promise<void> {
  if (path === '/log/bundle') return void response.end(JSON.stringify(bundle()));
  const file = await world.log.file(path.slice('/log/'.length));
  response.statusCode = file === undefined ? 404 : 200;
  response.end(file?.bytes);
}

function signet(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [binary, ...args, '--home', reader],
      { env: { PATH: process.env['PATH'] } },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

test('a stranger pins a node, and then its receipts and its log hold', async () => {
  expect((await signet('verify', receipt)).code).toBe(3);
  expect(await signet('trust', 'pin', url)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('a log of 4 entries'),
  });
  expect(await signet('verify', receipt)).toMatchObject({ code: 0, stdout: expect.stringContaining('valid') });
  expect((await signet('audit', url)).code).toBe(0);
  expect((await signet('audit', world.node.home)).code).toBe(0);
  expect((await signet('trust', 'pin', url)).code).toBe(0);
});

test('a bundle in a file does as well; one whose documents do not hold, or are others than before, is refused', async () => {
  const file = join(reader, 'bundle.json');
  await writeFile(file, JSON.stringify(bundle()));
  expect((await signet('trust', 'pin', file)).code).toBe(0);
  expect((await signet('verify', receipt)).code).toBe(0);
  const [first] = world.node.identity.chain;
  await writeFile(file, JSON.stringify({ node_id: world.node.identity.node_id, documents: [first] }));
  expect(await signet('trust', 'pin', file)).toMatchObject({
    code: 14,
    stderr: expect.stringContaining('not those that are pinned'),
  });
  await writeFile(
    file,
    JSON.stringify({ node_id: world.node.identity.node_id, documents: [{ ...first, service: [1] }] }),
  );
  expect((await signet('trust', 'pin', file)).code).toBe(14);
  await writeFile(file, '{}');
  expect((await signet('trust', 'pin', file)).code).toBe(2);
  expect((await signet('trust', 'pin', join(reader, 'absent'))).code).toBe(2);
});

test('a log that goes back behind what was seen is refused', async () => {
  expect((await signet('trust', 'pin', url)).code).toBe(0);
  const [seen] = await seenFiles();
  await writeFile(seen ?? '', JSON.stringify({ size: 9, root: 'ab'.repeat(32) }));
  expect(await signet('audit', url)).toMatchObject({ code: 12, stdout: expect.stringContaining('log.rollback') });
  expect(await signet('trust', 'pin', url)).toMatchObject({
    code: 12,
    stderr: expect.stringContaining('log.rollback'),
  });
  await writeFile(seen ?? '', JSON.stringify({ size: 4, root: 'ab'.repeat(32) }));
  expect((await signet('verify', receipt)).code).toBe(12);
  await writeFile(seen ?? '', 'forgotten');
  expect((await signet('verify', receipt)).code).toBe(2);
});

test('one checkpoint file continues another, or it does not', async () => {
  await signet('trust', 'pin', url);
  const [before, after] = [join(reader, 'old'), join(reader, 'new')];
  await writeFile(before, old);
  await writeFile(after, await note());
  expect(await signet('audit', url, '--consistency', before, after)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('4 entries begin with the 2 of before'),
  });
  expect((await signet('audit', url, '--consistency', after, before)).code).toBe(12);
  await writeFile(after, (await readFile(after, 'utf8')).replace('\n4\n', '\n5\n'));
  expect((await signet('audit', url, '--consistency', before, after)).code).toBe(11);
  expect((await signet('audit', url, '--consistency', before)).code).toBe(2);
  expect((await signet('audit', reader)).code).toBe(2);
});

async function seenFiles(): Promise<readonly string[]> {
  const folder = join(reader, 'trust', 'seen');
  return (await readdir(folder)).map((name) => join(folder, name));
}
