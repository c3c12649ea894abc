import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openTestNode, testCall } from '../../../../tests/fixtures/open-test-node.ts';
import { examineUrl } from './examine-url.ts';
import type { Finding } from './finding.ts';

let node: Awaited<ReturnType<typeof openTestNode>>;
let receipt: { id: string; bytes: Buffer };
let server: Server;
let url: string;
/** What the server answers instead, by path. */
let changes: Record<string, (response: ServerResponse) => void>;
let keys_seen: (string | undefined)[];

beforeAll(async () => {
  node = await openTestNode();
  const judgement = { action: 'search' as const, resource: { type: 'Web', id: 'local' }, facts: {} };
  const { receipt: id } = await node.judge.decide(testCall(), judgement, async () => ({ value: null, outcome: {} }));
  receipt = { id, bytes: Buffer.from(JSON.stringify(await node.receipts.get(id, 'default'))) };
});
afterAll(() => node.close());

beforeEach(async () => {
  changes = {};
  keys_seen = [];
  server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      const path = request.url ?? '';
      keys_seen.push(request.headers.authorization);
      const change = changes[path];
      if (change !== undefined) return change(response);
      if (path === '/api/v1/health') return json(response, 200, { status: 'ok', version: '0.1.0' });
      if (request.headers.authorization !== 'Bearer good') return json(response, 401, { code: 'invalid_api_key' });
      if (path === '/api/v1/status') return json(response, 200, status());
      if (path === '/v1/chat/completions') response.setHeader('signet-receipt', receipt.id);
      if (path.startsWith('/api/v1/receipts/')) return void response.end(receipt.bytes);
      return json(response, 200, {});
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test('a node that is well: every line says what was found', async () => {
  const findings = await examine();
  expect(findings.map(({ name, state }) => `${name} ${state}`)).toEqual([
    'reachable ok',
    'TLS ok',
    'clock ok',
    'key ok',
    'identity ok',
    'receipt ok',
    'genesis ok',
    'sign ok',
    'run warn',
  ]);
  expect(named(findings, 'run')).toMatchObject({ detail: 'unavailable: no image; ready in about 9 s' });
});

describe('what is wrong is named, with what to do', () => {
  const cases: [string, () => void, Parameters<typeof examine>[0], string, RegExp][] = [
    ['an address of something else', () => answer('/api/v1/health', 404, {}), {}, 'reachable', /with a version/],
    [
      'a function that does not start',
      () => answer('/api/v1/health', 502, { message: 'Internal server error' }),
      {},
      'reachable',
      /got 502 \(Internal server error\)/,
    ],
    ['nothing that listens', () => (url = 'http://127.0.0.1:9'), {}, 'reachable', /expected an answer, got: /],
    [
      'HTTP where TLS is expected',
      () => (url = url.replace('http:', 'https:')),
      {},
      'reachable',
      /^expected an answer, got: no TLS that can be understood \(ERR_SSL_WRONG_VERSION_NUMBER\)$/,
    ],
    ['no key', () => undefined, { key: undefined }, 'key', /no owner.key in \/home\/stage/],
    ['another key', () => undefined, { key: 'bad' }, 'key', /got 401 \(invalid_api_key\)/],
    ['another node', () => undefined, { pinned: ['did:key:zOther'] }, 'identity', /expected did:key:zOther, got did/],
    [
      'no receipt',
      () => answer('/v1/chat/completions', 403, { error: { code: 'policy_denied', message: 'no' } }),
      {},
      'receipt',
      /got 403 \(policy_denied: no\)/,
    ],
    ['a receipt that is gone', () => answer(receiptPath(), 404, {}), {}, 'receipt', /got 404/],
    ['a receipt that was changed', () => answer(receiptPath(), 200, {}), {}, 'receipt', /to verify offline, got/],
    [
      'another document than that of the genesis',
      () => undefined,
      { genesis_text: '{"node_document":{"seq":0}}' },
      'genesis',
      /got another document 0/,
    ],
  ];
  test.each(cases)('%s', async (_what, prepare, changed, name, detail) => {
    prepare();
    const finding = named(await examine(changed), name);
    expect(finding).toMatchObject({ state: 'fail', detail: expect.stringMatching(detail) });
  });

  test('a clock that is wrong by a little, and by much', async () => {
    const now = Date.now();
    expect(named(await examine({ now: () => now + 60_000 }), 'clock')).toMatchObject({ state: 'warn' });
    const far = named(await examine({ now: () => now - 3_600_000 }), 'clock');
    expect(far).toMatchObject({ state: 'fail', detail: expect.stringMatching(/ahead of/) });
  });

  test('nothing pinned is a warning that says how to pin', async () => {
    const finding = named(await examine({ pinned: [] }), 'identity');
    expect(finding).toMatchObject({ state: 'warn', advice: expect.stringContaining('signet trust pin http') });
  });
});

test('a key does not travel in clear to another machine', async () => {
  const findings = await examine({ url: url.replace('127.0.0.1', '127.0.0.2') });
  expect(findings.at(-1)).toMatchObject({ name: 'TLS', state: 'fail' });
  expect(keys_seen.filter((key) => key !== undefined)).toEqual([]);
});

async function examine(changed: Partial<Parameters<typeof examineUrl>[0]> = {}): Promise<readonly Finding[]> {
  return await examineUrl({
    url,
    key: 'good',
    home: '/home/stage',
    pinned: [node.identity.node_id],
    genesis_text: JSON.stringify({ node_document: node.identity.document }),
    verify: node.compute.verify,
    digest: node.compute.digest,
    now: Date.now,
    ...changed,
  });
}

function named(findings: readonly Finding[], name: string): Finding | undefined {
  return findings.find((finding) => finding.name === name);
}

function receiptPath(): string {
  return `/api/v1/receipts/${receipt.id}`;
}

function status(): object {
  const compute = {
    sign: { served_by: 'wasm' },
    run: { served_by: 'unavailable', reason: 'no image', ready_in_s: 9 },
  };
  return { node_id: node.identity.node_id, version: '0.1.0', compute, providers: [] };
}

function answer(path: string, code: number, body: object): void {
  changes[path] = (response) => json(response, code, body);
}

function json(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
