import { describe, expect, test } from '@jest/globals';
import errors from '@signet/shared/records/errors.json' with { type: 'json' };
import type { ErrorCode } from '../domain/errors.ts';
import { SignetError } from '../domain/errors.ts';
import { CapabilityUnavailableError, ComputeRefusedError } from '../domain/ports/compute.ts';
import { SecretsUnavailableError } from '../domain/ports/secrets.ts';
import { TableUnavailableError } from '../domain/ports/table.ts';
import { makeApp } from './make-app.ts';
import { bodies } from './testing/example-requests.ts';
import type { Services } from './services.ts';
import { ownerToken, receipt, recordedServices, run } from './testing/recorded-services.ts';

type Changes = Parameters<typeof recordedServices>[0];

function open(changes: Changes = {}) {
  const services = recordedServices(changes);
  const app = makeApp(services);
  const send = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    Promise.resolve(
      app.request(path, {
        method,
        headers: { authorization: `Bearer ${ownerToken}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  return { services, send };
}

const chat = bodies['POST /v1/chat/completions'] ?? {};
const status = (thrown: unknown): Changes => ({ status: () => Promise.reject(thrown) });
const completes = (thrown: unknown): Changes => ({
  chat: { ...recordedServices().chat, complete: () => Promise.reject(thrown) },
});

describe('errors', () => {
  test.each(errors.errors.map(({ code }) => code as ErrorCode))('%s is written in both shapes', async (code) => {
    const error = new SignetError({ code, detail: 'what came', reason: 'a.b', param: 'x[0].y', retry_after_s: 1.2 });
    error.receipt = receipt;
    const record = errors.errors.find((row) => row.code === code);

    const problem = await open(status(error)).send('GET', '/api/v1/status');
    expect(problem.status).toBe(record?.status);
    expect(problem.headers.get('content-type')).toBe('application/problem+json');
    expect(await problem.json()).toEqual({
      type: `urn:signet:problem:${code}`,
      title: record?.title,
      status: record?.status,
      code,
      detail: 'what came',
      reason: 'a.b',
      param: 'x[0].y',
      request_id: problem.headers.get('x-request-id'),
      receipt,
    });

    const openai = await open(completes(error)).send('POST', '/v1/chat/completions', chat);
    expect(openai.headers.get('content-type')).toBe('application/json');
    expect(openai.headers.get('signet-receipt')).toBe(receipt);
    expect(openai.headers.get('retry-after')).toBe('2');
    expect(openai.headers.get('x-should-retry')).toBe(record?.retry === true ? null : 'false');
    expect(await openai.json()).toEqual({
      error: { message: 'what came', type: record?.openai_type, param: 'x[0].y', code, reason: 'a.b' },
    });
  });

  test('an error of ours says nothing of itself, and the log has it under the request id', async () => {
    const logged: object[] = [];
    const log = { info() {}, warn() {}, error: (facts: object) => logged.push(facts) };
    const cause = new Error('password hunter2 at secret.ts:1');
    const answer = await open({ ...status(cause), log }).send('GET', '/api/v1/status');
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(text).not.toMatch(/hunter2|secret/);
    expect(logged).toEqual([
      {
        request_id: answer.headers.get('x-request-id'),
        method: 'GET',
        path: '/api/v1/status',
        code: 'internal',
        err: cause,
      },
    ]);
  });

  test('a part that is not ready is 503 with its step and when to come back', async () => {
    const state = {
      served_by: 'unavailable',
      reason: 'not built',
      step: 'building the addon',
      ready_in_s: 40,
    } as const;
    const answer = await open(status(new CapabilityUnavailableError('embed', state))).send('GET', '/api/v1/status');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('40');
    expect(await answer.json()).toMatchObject({ code: 'capability_unavailable', step: 'building the addon' });
  });

  test('a part that failed in itself is told to the operator with its cause', async () => {
    const warned: object[] = [];
    const log = { info() {}, warn: (facts: object) => warned.push(facts), error() {} };
    const state = { served_by: 'unavailable', reason: 'its function takes no calls' } as const;
    const waits = new CapabilityUnavailableError('sign', state);
    const failed = Object.assign(new CapabilityUnavailableError('sign', state), { cause: new Error('throttled') });
    for (const thrown of [waits, failed]) await open({ ...status(thrown), log }).send('GET', '/api/v1/status');
    expect(warned).toMatchObject([{ code: 'capability_unavailable', err: { cause: { message: 'throttled' } } }]);
  });

  test('a part that nobody can say more of is asked for again in five seconds', async () => {
    const state = { served_by: 'unavailable', reason: 'not built' } as const;
    for (const thrown of [
      new CapabilityUnavailableError('run', state),
      new SignetError({ code: 'capability_unavailable', detail: 'x' }),
    ]) {
      expect((await open(status(thrown)).send('GET', '/api/v1/status')).headers.get('retry-after')).toBe('5');
    }
  });

  test.each([
    ['a storage that is busy', new TableUnavailableError({ operation: 'get', retryable: true }), 503],
    ['a storage that is broken', new TableUnavailableError({ operation: 'get', retryable: false }), 500],
    ['a store of secrets that is busy', new SecretsUnavailableError({ retryable: true }), 503],
    ['a store of secrets that is forbidden', new SecretsUnavailableError({ retryable: false }), 500],
    ['an input that is too long', new ComputeRefusedError({ code: 'input_too_long', message: 'x' }), 400],
    ['an input that compute refuses', new ComputeRefusedError({ code: 'key.malformed', message: 'x' }), 400],
    ['a thrown string', 'x', 500],
  ])('%s', async (_, error, expected) => {
    expect((await open(status(error)).send('GET', '/api/v1/status')).status).toBe(expected);
  });

  test('what was turned away is counted by kind; what left a receipt is not', async () => {
    const { services, send } = open({
      limits: { ...recordedServices().limits, rate_per_s: 0.001, rate_burst: 5 },
    });
    await send('POST', '/v1/chat/completions', { model: 1 });
    await send('GET', '/v1/nothing');
    await send('PUT', '/api/v1/scripts/a', { source: 'a'.repeat(1_100_000) });
    await send('GET', '/v1/models', undefined, { authorization: 'Bearer sg_wrong' });
    await send('DELETE', '/v1/models');
    await send('GET', '/v1/models');
    await send('GET', '/v1/models');
    expect(services.counted).toEqual([
      'malformed',
      'not_found',
      'too_large',
      'unauthenticated',
      'malformed',
      'rate_limited',
    ]);
    const refused = new SignetError({ code: 'not_found', detail: 'x' });
    refused.receipt = receipt;
    const judged = open(status(refused));
    await judged.send('GET', '/api/v1/status');
    expect(judged.services.counted).toEqual([]);
  });
});

describe('headers', () => {
  test("our own id names the request, the client's is only given back", async () => {
    const { services, send } = open();
    const answer = await send('POST', '/v1/chat/completions', chat, { 'x-request-id': 'mine-1' });
    expect(answer.headers.get('x-request-id')).toBe(services.reached[0]?.call?.request_id);
    expect(answer.headers.get('x-correlation-id')).toBe('mine-1');
    for (const odd of ['a'.repeat(65), 'a b', '<script>']) {
      const other = await send('GET', '/v1/models', undefined, { 'x-request-id': odd });
      expect(other.headers.get('x-correlation-id')).toBeNull();
    }
  });

  test('answers to a key are not stored anywhere, and no browser guesses their type', async () => {
    const answer = await open().send('GET', '/v1/models');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(Number(answer.headers.get('x-ratelimit-remaining-requests'))).toBeGreaterThan(0);
  });

  test('a chat names route, receipt and why it stopped', async () => {
    const answer = await open().send('POST', '/v1/chat/completions', chat);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'signet-receipt': receipt,
      'signet-route': 'edge/signet-edge-1',
      'signet-stop': 'max_steps',
    });
  });
});

describe('chat bodies', () => {
  test('null means not given; what is passed through goes together', async () => {
    const { services, send } = open();
    await send('POST', '/v1/chat/completions', {
      ...chat,
      temperature: null,
      seed: 7,
      user: 'u',
      metadata: { a: 'b' },
      store: false,
      logprobs: true,
      modalities: ['text'],
      audio: null,
      signet: { tier: 'edge', tools: 'auto', max_steps: 2 },
    });
    expect(services.reached[0]?.request).toEqual({
      ...chat,
      seed: 7,
      signet: { tier: 'edge', tools: 'auto', max_steps: 2 },
      extra: { user: 'u', metadata: { a: 'b' }, store: false, logprobs: true },
    });
  });

  test.each([
    [{ functions: [] }, 'unsupported_parameter', 'functions'],
    [{ modalities: ['audio'] }, 'unsupported_parameter', 'modalities'],
    [{ signet: { memory: { k: 1 } } }, 'unsupported_parameter', 'signet.memory'],
    [{ signet: { budget: 1 } }, 'invalid_request', 'signet.budget'],
    [{ tempature: 1 }, 'invalid_request', 'tempature'],
    [{ temperature: 3 }, 'invalid_request', 'temperature'],
    [{ n: 9 }, 'invalid_request', 'n'],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'invalid_request', 'stop'],
    [{ messages: [] }, 'invalid_request', 'messages'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'invalid_request', 'messages[0].role'],
    [{ messages: [{ role: 'user', content: 1 }] }, 'invalid_request', 'messages[0].content'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'invalid_request', 'messages[0].content[0].text'],
    [{ messages: [{ role: 'user', content: 'x', mood: 1 }] }, 'invalid_request', 'messages[0].mood'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'invalid_request', 'messages[0].tool_call_id'],
  ])('%j is %s at %s', async (change, code, param) => {
    const answer = await open().send('POST', '/v1/chat/completions', { ...chat, ...change });
    expect(answer.status).toBe(400);
    expect((await answer.json()) as object).toMatchObject({ error: { code, param } });
  });

  test('more than a mebibyte of text is 413, though the body may be larger', async () => {
    const content = 'x'.repeat(600_000);
    const messages = [
      { role: 'user', content },
      { role: 'user', content: [{ type: 'text', text: content }] },
    ];
    const answer = await open().send('POST', '/v1/chat/completions', { ...chat, messages });
    expect(answer.status).toBe(413);
  });
});

describe('embeddings', () => {
  const embed = (body: object) => open().send('POST', '/v1/embeddings', { model: 'tiny', ...body });

  test('float and base64 carry the same bits', async () => {
    const floats = (await (await embed({ input: 'a' })).json()) as { data: { embedding: number[] }[] };
    const packed = (await (await embed({ input: 'a', encoding_format: 'base64' })).json()) as {
      data: { embedding: string }[];
    };
    const bytes = Buffer.from(packed.data[0]?.embedding ?? '', 'base64');
    expect([0, 4, 8].map((at) => bytes.readFloatLE(at))).toEqual(floats.data[0]?.embedding);
  });

  test.each([
    [{ input: [1, 2] }, 'unsupported_parameter', 'input'],
    [{ input: [[1, 2]] }, 'unsupported_parameter', 'input'],
    [{ input: '' }, 'invalid_request', 'input'],
    [{ input: [] }, 'invalid_request', 'input'],
    [{ input: ['a', ''] }, 'invalid_request', 'input[1]'],
    [{ input: { a: 1 } }, 'invalid_request', 'input'],
    [{}, 'invalid_request', 'input'],
    [{ input: 'a', dimensions: 0 }, 'invalid_request', 'dimensions'],
    [{ input: 'a', encoding_format: 'hex' }, 'invalid_request', 'encoding_format'],
  ])('%j is %s at %s', async (body, code, param) => {
    const answer = await embed(body);
    expect(answer.status).toBe(400);
    expect((await answer.json()) as object).toMatchObject({ error: { code, param } });
  });

  test('int8 comes with its scale', async () => {
    const answer = await open().send('POST', '/api/v1/embeddings', { inputs: ['a'], encoding: 'int8' });
    expect(await answer.json()).toMatchObject({ embeddings: [[13, -63, 127]], scales: [1 / 127], tokens: [4] });
  });
});

describe('runs', () => {
  const start = (body: object, changes: Changes = {}) =>
    open(changes).send('POST', '/api/v1/runs', { script: '1', ...body });
  const runs = recordedServices().runs;

  test('a run that ends in time is 200 with the receipt of its own statement', async () => {
    const answer = await start({});
    expect(answer.status).toBe(200);
    expect(answer.headers.get('signet-receipt')).toBe('c'.repeat(64));
    expect(await answer.json()).toMatchObject({ id: 'run-1', stdout: '42\n' });
  });

  test('a run that does not is 202 with where to look and the receipt of the decision', async () => {
    const slow = { runs: { ...runs, get: () => Promise.resolve({ ...run, state: 'running' as const }) } };
    for (const answer of [await start({}, slow), await start({ mode: 'async' })]) {
      expect(answer.status).toBe(202);
      expect(answer.headers.get('location')).toBe('/api/v1/runs/run-1');
      expect(answer.headers.get('signet-receipt')).toBe(receipt);
    }
  });

  test('a stream has the events under their ids, and resumes after the last one seen', async () => {
    const whole = await (await start({ mode: 'stream' })).text();
    expect(whole).toBe(
      'id: 1\nevent: stdout\ndata: {"text":"1"}\n\nid: 2\nevent: stdout\ndata: {"text":"2"}\n\nid: 3\nevent: done\ndata: {}\n\n',
    );
    const { send } = open();
    const rest = 'id: 3\nevent: done\ndata: {}\n\n';
    expect(await (await send('GET', '/api/v1/runs/run-1/events', undefined, { 'last-event-id': '2' })).text()).toBe(
      rest,
    );
    expect(await (await send('GET', '/api/v1/runs/run-1/events?after=2')).text()).toBe(rest);
    expect((await send('GET', '/api/v1/runs/run-1/events?after=-1')).status).toBe(400);
    expect((await send('GET', '/api/v1/runs/run-1/events', undefined, { 'last-event-id': 'x' })).status).toBe(400);
  });

  test.each([
    [{ script_ref: 'a' }, 'script'],
    [{ script: '' }, 'script'],
    [{ file_name: '../x.py' }, 'file_name'],
    [{ argv: ['\u0000'] }, 'argv'],
    [{ limits: { wall_ms: 0 } }, 'limits.wall_ms'],
    [{ limits: { memory_mb: 1e9 } }, 'limits.memory_mb'],
    [{ limits: { disk: 1 } }, 'limits.disk'],
    [{ tools: ['a__b'] }, 'tools[0]'],
    [{ dry_run: true }, 'dry_run'],
  ])('%j is refused at %s', async (body, param) => {
    const answer = await start(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ param });
  });

  test('the channel says 401 for a token that is not the one', async () => {
    const error = { type: 'HyperCoreError', code: 'invalid_token', message: 'x', retryable: false, facts: {} };
    const { send } = open({
      runs: { ...runs, answerCall: () => Promise.resolve({ kind: 'error', error }) },
      limits: { stranger_per_s: 0.001, stranger_burst: 1 },
    });
    const frame = { seq: 1, method: 'llm.chat', args: {} };
    const guess = () => send('POST', '/api/v1/runs/run-1/calls', frame, { authorization: 'Bearer other' });
    expect((await guess()).status).toBe(401);
    expect((await guess()).status).toBe(429);
  });
});

describe('vectors', () => {
  const path = '/api/v1/vectors/collections/notes';

  test('base64 arrives as the floats it holds', async () => {
    const { services, send } = open();
    const values_b64 = Buffer.from(new Float32Array([1, 2, 3]).buffer).toString('base64');
    await send('POST', `${path}/query`, { values_b64, k: 2, exact: true, mode: 'dense' });
    expect(services.reached[0]?.request).toEqual({
      collection: 'notes',
      namespace: 'default',
      k: 2,
      include: [],
      values: new Float32Array([1, 2, 3]),
      exact: true,
      mode: 'dense',
      report: false,
    });
  });

  test.each([
    ['query', { text: 'a', k: 0 }, 'k'],
    ['query', { text: 'a', exact: 1 }, 'exact'],
    ['query', { text: 'a', mode: 'fuzzy' }, 'mode'],
    ['query', { values: [null] }, 'values'],
    ['query', { values_b64: 'AAA=' }, 'values_b64'],
    ['query', { values_b64: 'AADAfw==' }, 'values_b64'],
    ['put', { vectors: [{ id: 'a' }] }, 'vectors[0]'],
    ['put', { vectors: [{ id: 'a\u0000', values: [1] }] }, 'vectors[0].id'],
    ['put', { vectors: [{ id: 'é'.repeat(257), values: [1] }] }, 'vectors[0].id'],
    ['put', { vectors: [{ values: [1], metadata: [] }] }, 'vectors[0].metadata'],
    ['put', { vectors: [], namespace: 'A' }, 'vectors'],
    ['get', { ids: [] }, 'ids'],
    ['delete', { ids: ['a'], filter: {} }, 'ids'],
  ])('%s %j is refused at %s', async (verb, body, param) => {
    const answer = await open().send('POST', `${path}/${verb}`, body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ param });
  });
});

describe('tools', () => {
  const failing = (type: string): Changes => ({
    tools: {
      ...recordedServices().tools,
      invoke: () => Promise.resolve({ kind: 'failure', error: { type, message: 'why' }, receipt } as never),
    },
  });

  test.each([
    ['tool_not_found', 404],
    ['invalid_arguments', 400],
    ['policy_denied', 403],
    ['timeout', 504],
    ['output_invalid', 502],
    ['execution_error', 200],
    ['limit_exceeded', 200],
  ])('a failure `%s` is %d', async (type, expected) => {
    const answer = await open(failing(type)).send('POST', '/api/v1/tools/soma/invoke', {});
    expect(answer.status).toBe(expected);
    expect(answer.headers.get('signet-receipt')).toBe(receipt);
    if (expected === 200) expect(await answer.json()).toEqual({ error: { type, message: 'why' }, receipt });
  });

  test("a manifest under another name than the path's is refused", async () => {
    const body = { ...bodies['PUT /api/v1/tools/{name}'], name: 'other' };
    expect((await open().send('PUT', '/api/v1/tools/soma', body)).status).toBe(400);
  });

  test('fields that a manifest leaves out are filled in', async () => {
    const { services, send } = open();
    await send('PUT', '/api/v1/tools/soma', bodies['PUT /api/v1/tools/{name}']);
    expect(services.reached[0]?.request).toMatchObject({
      name: 'soma',
      version: '1',
      idempotent: false,
      timeout_ms: 30_000,
    });
  });
});

test('a receipt is canonical JSON', async () => {
  const accept = 'application/json';
  const answer = await open().send('GET', `/api/v1/receipts/${receipt}`, undefined, { accept });
  expect(await answer.text()).toBe('{"delegation":"ZA==","document":{"a":[true,null],"b":1},"entry":"ZQ=="}');
  expect((await open().send('GET', `/api/v1/receipts/${'0'.repeat(64)}`)).status).toBe(404);
});

test.each([
  ['application/json', 200, 'application/json', 'pending'],
  ['text/plain', 202, null, 'pending'],
  ['application/json;q=0, */*', 202, 'application/json', 'pending'],
  ['application/json', 200, 'application/json', 'sealed'],
  ['text/plain, application/json;q=0.0', 200, 'text/plain; charset=utf-8', 'sealed'],
  ['*/*', 200, 'text/plain; charset=utf-8', 'sealed'],
] as const)('a receipt as %s answers %i with %s while it is %s', async (accept, status, type, kind) => {
  const { services, send } = open();
  const proof = () => Promise.resolve(kind === 'sealed' ? { kind, text: 'proof' } : { kind });
  Object.assign(services.receipts, { proof });
  const answer = await send('GET', `/api/v1/receipts/${receipt}`, undefined, { accept });
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('vary')]).toEqual([
    status,
    type,
    'accept',
  ]);
  expect(answer.headers.get('retry-after')).toBe(status === 202 ? '1' : null);
});

test('files of the log come as they are, and may be kept but the checkpoint', async () => {
  const { services, send } = open();
  const checkpoint = await send('GET', '/log/checkpoint');
  expect([checkpoint.headers.get('content-type'), checkpoint.headers.get('cache-control')]).toEqual([
    'text/plain; charset=utf-8',
    'no-cache',
  ]);
  const tile = await send('GET', '/log/tile/0/000.p/1');
  expect([tile.headers.get('content-type'), tile.headers.get('cache-control'), await tile.text()]).toEqual([
    'application/octet-stream',
    'private, max-age=31536000, immutable',
    '\n',
  ]);
  expect((await send('HEAD', '/log/tile/0/000.p/1')).headers.get('content-length')).toBe('1');
  expect((await send('GET', '/log/tile/0/001')).status).toBe(404);
  Object.assign(services, { ledger: undefined });
  expect((await send('GET', '/log/checkpoint')).status).toBe(501);
});

test('an unhealthy node says so to load balancers', async () => {
  const { send } = open({
    health: () => Promise.resolve({ status: 'unhealthy', version: '1', checks: [], checked_at: 1 }),
  });
  expect((await send('GET', '/api/v1/health')).status).toBe(503);
});

test.each([
  ['text/html', 'text/html; charset=utf-8'],
  ['application/json', 'application/json'],
  ['*/*', 'text/plain; charset=utf-8'],
])('GET / as %s', async (accept, type) => {
  const answer = await open().send('GET', '/', undefined, { accept, authorization: '' });
  expect(answer.headers.get('content-type')).toBe(type);
  expect(await answer.text()).toContain('0.0.0-test');
});

test('a key that all processes together have served too often waits, and a stranger is not asked for', async () => {
  const asked: string[] = [];
  const sharedRate: Services['sharedRate'] = {
    take(principal) {
      asked.push(principal.id);
      return { admitted: false, wait_s: 1.4 };
    },
  };
  const answer = await open({ sharedRate }).send('GET', '/v1/models');
  expect(answer.status).toBe(429);
  expect(answer.headers.get('retry-after')).toBe('2');
  expect(answer.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  expect(await answer.json()).toMatchObject({ error: { code: 'rate_limit_exceeded', reason: 'rate.limited' } });
  expect(asked).toHaveLength(1);
  expect((await open({ sharedRate }).send('GET', '/v1/models', undefined, { authorization: '' })).status).toBe(401);
  expect(asked).toHaveLength(1);
});

describe('behind a public address with a path', () => {
  const entrance = { url: 'https://abc.example.org/dev', home: '.signet/stages/dev' };

  test.each(['*/*', 'text/html', 'application/json'])('the first page names it and its key (%s)', async (accept) => {
    const answer = await open({ entrance }).send('GET', '/', undefined, { accept, authorization: '' });
    const text = await answer.text();
    for (const part of [
      'https://abc.example.org/dev/v1/models',
      'https://abc.example.org/dev/openapi.json',
      '$(cat .signet/stages/dev/owner.key)',
      'signet run examples/soma.py --url https://abc.example.org/dev --home .signet/stages/dev',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toMatch(/localhost|.signet\/owner.key|"\/openapi.json"/);
  });

  test('the document of the API names it', async () => {
    expect(await (await open({ entrance }).send('GET', '/openapi.json')).json()).toMatchObject({
      servers: [{ url: 'https://abc.example.org/dev' }],
    });
    expect(await (await open().send('GET', '/openapi.json')).json()).not.toHaveProperty('servers');
  });
});

test('the OpenAPI document describes every built route, with who may call it', async () => {
  const answer = await open().send('GET', '/openapi.json');
  const document = (await answer.json()) as {
    openapi: string;
    paths: Record<string, Record<string, { security: object[] }>>;
  };
  expect(document.openapi).toBe('3.1.0');
  expect(document.paths['/v1/chat/completions']?.['post']?.security).toEqual([{ api_key: ['chat'] }]);
  expect(document.paths['/healthz']?.['get']?.security).toEqual([]);
  expect(document.paths['/v1/models/{id}']).toBeDefined();
  expect(document.paths['/mcp']).toBeUndefined();
});
