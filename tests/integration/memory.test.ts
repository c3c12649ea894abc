import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startNode, waitFor, type RunningNode } from '../e2e/running-node.ts';
import { countableHeap, grown, heapCounts } from '../fixtures/heap-counts.ts';
import { makeUnlimitedOwner } from '../load/bench-node.ts';
import { fakeUpstream, type FakeUpstream } from '../upstream/fake-upstream.ts';

/** What each kind of request leaves behind in a running node: nothing. Objects are counted, not bytes. */

const each = 200;
const rounds = 3;
let home: string;
let folder: string;
let provider: FakeUpstream;
let node: RunningNode;
let pid: number;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-memory-'));
  folder = join(home, 'snapshots');
  await mkdir(folder);
  await makeUnlimitedOwner(home);
  provider = await fakeUpstream({ forget: true });
  node = await startNode({
    home,
    environment: {
      OPENAI_BASE_URL: provider.base_url,
      SIGNET_COMPUTE: 'wasm',
      NODE_OPTIONS: countableHeap(folder),
    },
  });
  ({ pid } = JSON.parse(await readFile(join(home, 'lock'), 'utf8')) as { pid: number });
  await send('POST', '/api/v1/vectors/collections', { name: 'notes', dimension: 3 });
}, 120_000);

afterAll(async () => {
  await node?.stop();
  await provider?.close();
  await rm(home, { recursive: true, force: true });
}, 30_000);

async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const answer = await fetch(`${node.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${node.owner_key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, text: await answer.text() };
}

const chat = (number: number, more: object = {}) => ({
  model: 'openai/fake-1',
  messages: [{ role: 'user', content: `question ${number}` }],
  ...more,
});

const kinds: readonly [name: string, status: number, send: (number: number) => Promise<{ status: number }>][] = [
  ['chats', 200, (number) => send('POST', '/v1/chat/completions', chat(number))],
  ['streamed chats', 200, (number) => send('POST', '/v1/chat/completions', chat(number, { stream: true }))],
  [
    'chats under a key of their own',
    200,
    (number) => send('POST', '/v1/chat/completions', chat(number), { 'idempotency-key': `key-${number}` }),
  ],
  [
    'chats of the built-in model with a server tool',
    200,
    (number) =>
      send('POST', '/v1/chat/completions', {
        model: 'signet-edge-1',
        messages: [{ role: 'user', content: `web.search(query="receipts ${number}")` }],
        signet: { tools: 'auto' },
      }),
  ],
  ['refused bodies', 400, (number) => send('POST', '/v1/chat/completions', { model: number })],
  ['paths where nothing is', 404, (number) => send('GET', `/api/v1/nothing-${number}`)],
  ['receipts that are not there', 404, (number) => send('GET', `/api/v1/receipts/${String(number).padStart(64, '0')}`)],
  [
    'queries of namespaces that were never written',
    200,
    (number) =>
      send('POST', '/api/v1/vectors/collections/notes/query', { namespace: `none-${number}`, values: [1, 0, 0], k: 1 }),
  ],
];

let count = 0;
async function sendAll(times: number): Promise<void> {
  for (const [name, status, one] of kinds) {
    for (let left = times; left > 0; left -= 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => one(++count)));
      for (const answer of answers) expect({ name, ...answer }).toMatchObject({ name, status });
    }
  }
}

/** Sends some of each kind, and counts when nothing of them is under way: receipts are sealed behind the answers. */
async function countAfter(times: number) {
  await sendAll(times);
  await waitFor('an empty queue of the log', async () => {
    const { text } = await send('GET', '/api/v1/status');
    return (JSON.parse(text) as { ledger: { pending: number } }).ledger.pending === 0 ? true : undefined;
  });
  return heapCounts({ pid, folder });
}

test('no kind of request leaves an object behind', async () => {
  const counts = [await countAfter(each)];
  for (let round = 0; round < rounds; round += 1) counts.push(await countAfter(each));
  // One object kept for each request of one kind would be `each` more of its class, and that in every round: what a
  // collection finds in its last moments is gone in the next one.
  const kept = counts.slice(1).map((after, round) => {
    const more = grown(counts[round] ?? new Map(), after).filter((one) => one.more >= each / 2);
    return new Set(more.map(({ what }) => what));
  });
  expect([...(kept[0] ?? [])].filter((what) => kept.every((round) => round.has(what)))).toEqual([]);
}, 240_000);
