import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import { verifyReceipt } from '../../functions/domain/verify/verify-receipt.ts';
import { startNode, type RunningNode } from '../e2e/running-node.ts';

/** What a node promises when everybody asks at once. */

let home: string;
let node: RunningNode;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-concurrency-'));
  node = await startNode({ home });
}, 120_000);

afterAll(async () => {
  await node?.stop();
  await rm(home, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly receipt: string;
  readonly replayed: boolean;
  readonly body: { readonly [name: string]: unknown };
}

async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(`${node.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${node.owner_key}`,
      accept: 'application/json',
      'content-type': 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return {
    status: answer.status,
    receipt: answer.headers.get('signet-receipt') ?? '',
    replayed: answer.headers.get('idempotent-replayed') === 'true',
    body: (await answer.json()) as Answer['body'],
  };
}

const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

const saying = (content: string) => ({ model: 'auto', messages: [{ role: 'user', content }] });

test('fifty chats at once leave fifty receipts, each found, each valid', async () => {
  const chats = await times(50, (index) => ask('POST', '/v1/chat/completions', saying(`hello ${index}`)));
  expect(chats.map(({ status }) => status)).toEqual(chats.map(() => 200));
  expect(new Set(chats.map(({ receipt }) => receipt)).size).toBe(50);

  const { verify, digest } = await openWasmCompute();
  for (const { receipt } of chats) {
    const found = await ask('GET', `/api/v1/receipts/${receipt}`);
    const bytes = new TextEncoder().encode(JSON.stringify(found.body));
    const verdict = await verifyReceipt({ bytes, verify, digest, trust: [] });
    expect(verdict).toMatchObject({ receipt_id: receipt, exit: 3 });
  }
});

test('what twenty writers put into one collection is all found', async () => {
  expect((await ask('POST', '/api/v1/vectors/collections', { name: 'many', dimension: 3 })).status).toBe(201);
  const puts = await times(20, (writer) => {
    const vectors = Array.from({ length: 50 }, (_, row) => ({
      id: `${writer}-${row}`,
      values: [writer + 1, row + 1, 1],
    }));
    return ask('POST', '/api/v1/vectors/collections/many/put', { vectors });
  });
  expect(puts.map(({ status, body }) => [status, body['upserted']])).toEqual(puts.map(() => [200, 50]));
  expect(Math.max(...puts.map(({ body }) => Number(body['seq'])))).toBe(1_000);

  const { body } = await ask('POST', '/api/v1/vectors/collections/many/query', { values: [1, 1, 1], k: 10_000 });
  const hits = body['hits'] as readonly { id: string }[];
  expect(new Set(hits.map(({ id }) => id)).size).toBe(1_000);
});

test('fifty repeats of one request do it once, and each gets the first answer or is told to wait', async () => {
  const key = { 'idempotency-key': 'chat-once' };
  const chats = await times(50, () => ask('POST', '/v1/chat/completions', saying('once'), key));
  const done = chats.filter(({ status }) => status === 200);
  expect(chats.every(({ status }) => status === 200 || status === 409)).toBe(true);
  expect(new Set(done.map(({ receipt }) => receipt)).size).toBe(1);

  const repeat = await ask('POST', '/v1/chat/completions', saying('once'), key);
  expect(repeat).toMatchObject({ status: 200, replayed: true, receipt: done[0]?.receipt, body: done[0]?.body });
  expect(await ask('POST', '/v1/chat/completions', saying('other'), key)).toMatchObject({ status: 422 });
});

test('fifty repeats of one request make one API key, whose secret is shown once', async () => {
  const wanted = { label: 'once', scopes: ['chat'] };
  const made = await times(50, () => ask('POST', '/api/v1/api-keys', wanted, { 'idempotency-key': 'key-once' }));
  expect(made.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(made.filter(({ body }) => 'token' in body)).toHaveLength(1);
  expect(made.filter(({ status }) => status === 409)).toHaveLength(49);
  const { body } = await ask('GET', '/api/v1/api-keys');
  expect((body['api_keys'] as readonly { label: string }[]).filter(({ label }) => label === 'once')).toHaveLength(1);
});
