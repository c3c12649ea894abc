import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { followEvents } from '../../clients/cli/src/lifecycle/follow-events.ts';
import { serveProcess, type ServeProcess } from '../../clients/cli/src/lifecycle/serve-process.ts';
import { repository } from '../fixtures/live-node.ts';

let home: string;
let node: ServeProcess | undefined;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-events-'));
});
afterEach(async () => {
  await node?.stop();
  await rm(home, { recursive: true, force: true });
});

async function start(): Promise<ServeProcess> {
  node = await serveProcess({ home, port: 0 });
  return node;
}

const token = async (): Promise<string> => (await readFile(join(home, 'owner.key'), 'utf8')).trim();

/** Answers with the receipt of the chat. */
async function chat({ url }: ServeProcess): Promise<string> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hello' }] }),
  });
  await answer.body?.cancel();
  expect(answer.status).toBe(200);
  return answer.headers.get('signet-receipt') ?? '';
}

/** So many chats that were told, after a cursor. */
async function told(count: number, after: number): Promise<{ receipts: unknown[]; cursor: number }> {
  const gone = new AbortController();
  const receipts: unknown[] = [];
  let cursor = after;
  const address = async () => ({ url: node?.url ?? '', token: await token() });
  for await (const event of followEvents(address, { topics: ['inference.completed'], after, signal: gone.signal })) {
    receipts.push(event['receipt_id']);
    cursor = Number(event['cursor']);
    if (receipts.length === count) gone.abort();
  }
  return { receipts, cursor };
}

test('nothing acknowledged is lost to a reader whose node is killed, and nothing comes out of order', async () => {
  const first = await start();
  const before = [await chat(first), await chat(first)];
  const seen = await told(1, 0);
  expect(seen.receipts).toEqual(before.slice(0, 1));
  before.push(...(await Promise.all([chat(first), chat(first), chat(first)])));
  process.kill(first.pid, 'SIGKILL');
  await new Promise<void>((resolve) => first.onExit(resolve));
  const after = await chat(await start());
  const rest = await told(5, seen.cursor);
  expect(rest.receipts[0]).toBe(before[1]);
  expect(rest.receipts.slice(1, 4).toSorted()).toEqual(before.slice(2).toSorted());
  expect(rest.receipts[4]).toBe(after);
}, 60_000);

test('`signet events` prints what happened since the start, one JSON object a line, and ends after a count', async () => {
  const receipts = [await chat(await start()), await chat(node ?? (await start()))];
  const binary = join(repository, 'clients', 'cli', 'bin', 'signet.mjs');
  const args = [
    'events',
    '--topic',
    'inference.completed',
    '--since',
    'start',
    '--count',
    '2',
    '--json',
    '--home',
    home,
  ];
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [binary, ...args], { env: { PATH: process.env['PATH'] } }, (error, out) =>
      error === null ? resolve(out) : reject(error),
    );
  });
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; receipt_id: string; seq: number; cursor: number });
  expect(told.map(({ receipt_id }) => receipt_id)).toEqual(receipts);
  for (const { seq, cursor } of told) expect(cursor).toBe(seq);
}, 60_000);
