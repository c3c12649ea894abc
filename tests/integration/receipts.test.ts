import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import { readSettings } from '../../functions/assembly/read-settings.ts';
import { startNode, type StartedNode } from '../../functions/assembly/start-node.ts';
import type { Json, JsonObject } from '../../functions/domain/json.ts';
import { verifyReceipt } from '../../functions/domain/verify/verify-receipt.ts';
import { build_folder, describeWithBuilt, repository } from '../fixtures/built-parts.ts';
import { readEntries } from '../fixtures/plain-log.ts';

const whenBuilt = describeWithBuilt('native', 'script-image', 'models');
const execute = promisify(execFile);

/** What one request left: the answer, and the statement of the receipt that its header names. */
interface Left {
  readonly answer: Response;
  readonly body: JsonObject;
  readonly id: string;
  readonly statement: JsonObject;
  readonly predicate: JsonObject;
}

whenBuilt('receipts of a node', () => {
  let home: string;
  let node: StartedNode;
  let owner: string;
  let compute: Awaited<ReturnType<typeof openWasmCompute>>;
  /** Every receipt that this file met, for what is true of all of them. */
  const met = new Map<string, string>();

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'signet-receipts-'));
    compute = await openWasmCompute();
    node = await start();
    owner = (await readFile(join(home, 'owner.key'), 'utf8')).trim();
  }, 60_000);
  afterAll(async () => {
    await node.stop();
    await rm(home, { recursive: true });
  });

  async function start(): Promise<StartedNode> {
    const environment = { SIGNET_HOME: home, SIGNET_PORT: '0', SIGNET_LOG: 'fatal' };
    const settings = await readSettings({ environment, overrides: {} });
    const started = await startNode({ settings, environment, build_folder, repository, tell: () => undefined });
    await started.node.artefacts.look();
    return started;
  }

  async function ask(method: string, path: string, body?: Json, key = owner): Promise<Response> {
    return fetch(`${node.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, accept: 'application/json', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** GETs the receipt, verifies it without the node, and answers its statement. */
  async function statementOf(id: string): Promise<JsonObject> {
    const answer = await ask('GET', `/api/v1/receipts/${id}`);
    expect(answer.status).toBe(200);
    const text = await answer.text();
    const verdict = await verifyReceipt({
      bytes: Buffer.from(text),
      verify: compute.verify,
      digest: compute.digest,
      trust: [node.node.node_id],
    });
    expect(verdict).toMatchObject({ exit: 0, receipt_id: id });
    met.set(id, text);
    return verdict.statement ?? {};
  }

  /** A deciding request: its answer has the status and names a receipt that holds. */
  async function decide(status: number, method: string, path: string, body?: Json, key = owner): Promise<Left> {
    const answer = await ask(method, path, body, key);
    const text = await answer.text();
    expect({ status: answer.status, text }).toEqual({ status, text });
    const id = answer.headers.get('signet-receipt') ?? `no receipt of ${method} ${path}`;
    const statement = await statementOf(id);
    return {
      answer,
      body: text.startsWith('{') ? (JSON.parse(text) as JsonObject) : {},
      id,
      statement,
      predicate: statement['predicate'] as JsonObject,
    };
  }

  function expectDecision({ statement, predicate }: Left, wanted: object): void {
    expect(statement).toMatchObject({ predicateType: 'urn:signet:decision:v1' });
    expect(predicate).toMatchObject({
      v: 1,
      iss: node.node.node_id,
      iat: expect.any(Number),
      con: expect.stringMatching(/^[0-9a-f]{64}$/),
      del: expect.stringMatching(/^[0-9a-f]{64}$/),
      req: expect.stringMatching(/^[0-9a-f-]{36}$/),
      n: expect.any(Number),
      principal: { kind: 'key', id: expect.any(String), tenant: 'default' },
      effect: 'allow',
      code: 'ok',
      policy_version: expect.stringMatching(/^[0-9a-f]{64}$/),
      policies: expect.any(Array),
      facts: expect.any(Object),
      parents: expect.any(Array),
      ...wanted,
    });
  }

  const chat = { model: 'signet-edge-1', messages: [{ role: 'user', content: 'Is Rust fast? Rust is fast.' }] };

  test('a chat: route, usage and the digests of what was asked and answered', async () => {
    const left = await decide(200, 'POST', '/v1/chat/completions', chat);
    expectDecision(left, { action: 'chat', resource: { type: 'Model' }, finish: 'stop' });
    expect(left.predicate['route']).toMatchObject({ candidates: expect.any(Array), chosen: expect.anything() });
    expect(left.predicate['usage']).toMatchObject({ in: expect.any(Number), out: expect.any(Number) });
    expect(subjects(left)).toEqual(['request', 'response']);
  });

  test('a streamed chat: the decision before its first byte, the outcome in a comment before its end', async () => {
    const answer = await ask('POST', '/v1/chat/completions', { ...chat, stream: true });
    const text = await answer.text();
    const decision = answer.headers.get('signet-receipt') ?? '';
    const outcome = /^: .*?([0-9a-f]{64})/m.exec(text)?.[1] ?? 'no comment names a receipt';
    expect(outcome).not.toBe(decision);
    expect(await statementOf(decision)).toMatchObject({ predicate: { action: 'chat', code: 'ok', parents: [] } });
    expect(await statementOf(outcome)).toMatchObject({
      predicate: { action: 'chat', code: 'ok', parents: [decision], usage: { out: expect.any(Number) } },
    });
  });

  test('embeddings, on both routes', async () => {
    const model = 'all-MiniLM-L6-v2';
    for (const [path, body] of [
      ['/v1/embeddings', { model, input: 'a cat' }],
      ['/api/v1/embeddings', { model, inputs: ['a cat'] }],
    ] as const) {
      const left = await decide(200, 'POST', path, body);
      expectDecision(left, { action: 'embed', usage: { in: expect.any(Number) } });
    }
  });

  test('vectors: create, put, query, delete, drop; a second create is a refusal with a receipt', async () => {
    const root = '/api/v1/vectors/collections';
    const collection = { name: 'c', dimension: 2 };
    expectDecision(await decide(201, 'POST', root, collection), { action: 'writeVectors' });
    expectDecision(await decide(409, 'POST', root, collection), { action: 'writeVectors', code: 'collection_exists' });
    const put = await decide(200, 'POST', `${root}/c/put`, { vectors: [{ id: 'a', values: [1, 0] }] });
    expectDecision(put, { action: 'writeVectors', resource: { type: 'Collection', id: 'c' } });
    expectDecision(await decide(200, 'POST', `${root}/c/query`, { values: [1, 0], k: 1 }), { action: 'queryVectors' });
    expectDecision(await decide(200, 'POST', `${root}/c/delete`, { ids: ['a'] }), { action: 'writeVectors' });
    expectDecision(await decide(204, 'DELETE', `${root}/c`), { action: 'writeVectors' });
  });

  test('scripts and tools: stored, called, removed', async () => {
    const source = 'from hyper_core import tool\n@tool\ndef soma(a: int, b: int):\n    return a + b';
    const stored = await decide(200, 'PUT', '/api/v1/scripts/sums', { source });
    expectDecision(stored, { action: 'manageScripts', resource: { type: 'Script' } });
    const manifest = {
      description: 'Adds a and b.',
      parameters: { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } },
      side_effects: 'compute',
      target: { kind: 'script', digest: textOf(stored.body['digest']), tool: 'soma' },
    };
    expectDecision(await decide(200, 'PUT', '/api/v1/tools/soma', manifest), { action: 'manageTools' });
    const called = await decide(200, 'POST', '/api/v1/tools/soma/invoke', { arguments: { a: 40, b: 2 } });
    expectDecision(called, { action: 'callTool', resource: { type: 'Tool', id: 'soma' } });
    expect(called.body).toMatchObject({ value: 42, receipt: called.id });
    expectDecision(await decide(204, 'DELETE', '/api/v1/tools/soma'), { action: 'manageTools' });
  });

  test('API keys: made, rotated, revoked; a missing scope is a refusal with a receipt', async () => {
    const root = '/api/v1/api-keys';
    const made = await decide(201, 'POST', root, { label: 'reader', scopes: ['ledger:read'] });
    expectDecision(made, { action: 'administer', resource: { type: 'ApiKey' } });
    const token = textOf(made.body['token']);
    const refused = await decide(403, 'POST', '/v1/chat/completions', chat, token);
    expectDecision(refused, { action: 'chat', effect: 'deny', code: 'policy_denied' });
    const rotated = await decide(201, 'POST', `${root}/${textOf(made.body['id'])}/rotate`);
    expectDecision(rotated, { action: 'administer' });
    expectDecision(await decide(204, 'DELETE', `${root}/${textOf(rotated.body['id'])}`), { action: 'administer' });
    for (const text of met.values()) expect(Buffer.from(text).toString('latin1')).not.toContain(token.slice(-43));
  });

  test('runs: sync, async, cancelled, with the receipts of all that they did', async () => {
    const script = 'from hyper_core import llm, web\nweb.search("receipts")\nllm.chat("hello")\n42';
    const sync = await decide(200, 'POST', '/api/v1/runs', { script });
    const receipts = sync.body['receipts'] as string[];
    expect(receipts).toHaveLength(4);
    expect(receipts.at(-1)).toBe(sync.id);
    expect(sync.statement).toMatchObject({ predicateType: 'urn:signet:run:v1' });
    expect(sync.predicate).toMatchObject({
      run: sync.body['id'],
      component: expect.anything(),
      limits: expect.any(Object),
      used: { cpu_ms: expect.any(Number), mem_bytes: expect.any(Number), wall_ms: expect.any(Number), calls: 2 },
      calls: { count: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      exit: { code: 0 },
      stdout: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: 0 },
      parents: expect.arrayContaining(receipts.slice(1, 3)),
    });
    const actions: unknown[] = [];
    for (const id of receipts.slice(0, 3)) {
      const { predicate } = (await statementOf(id)) as unknown as { predicate: JsonObject };
      actions.push(predicate['action']);
    }
    expect(actions).toEqual(['runScript', 'search', 'chat']);

    const spins = await decide(202, 'POST', '/api/v1/runs', { script: 'while True: pass', mode: 'async' });
    expectDecision(spins, { action: 'runScript' });
    const path = `/api/v1/runs/${textOf(spins.body['id'])}`;
    const cancelled = await decide(200, 'POST', `${path}/cancel`, {});
    expectDecision(cancelled, { action: 'runScript', facts: { operation: 'cancel' } });
    const ended = (await (await ask('GET', `${path}?wait_ms=20000`)).json()) as { receipts: string[]; state: string };
    expect(ended.state).toBe('cancelled');
    for (const id of ended.receipts) await statementOf(id);
  }, 60_000);

  test('a run beyond what a key may have under way is refused with a receipt', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      const answer = await ask('POST', '/api/v1/runs', { script: 'while True: pass', mode: 'async' });
      ids.push(((await answer.json()) as { id: string }).id);
    }
    const refused = await decide(429, 'POST', '/api/v1/runs', { script: '1' });
    expectDecision(refused, { action: 'runScript', code: 'queue_full' });
    for (const id of ids) await ask('POST', `/api/v1/runs/${id}/cancel`, {});
    for (const id of ids) await ask('GET', `/api/v1/runs/${id}?wait_ms=20000`);
  }, 60_000);

  test('what is only read, or was never understood, leaves none', async () => {
    const nothing: readonly [number, string, string, Json?][] = [
      [200, 'GET', '/v1/models'],
      [200, 'GET', '/api/v1/status'],
      [200, 'GET', '/api/v1/tools'],
      [200, 'GET', '/api/v1/api-keys'],
      [400, 'POST', '/v1/chat/completions', { model: 'signet-edge-1' }],
      [404, 'POST', '/v1/chat/completions', { ...chat, model: 'gpt-9' }],
      [404, 'POST', '/api/v1/vectors/collections/none/query', { values: [1], k: 1 }],
      [404, 'DELETE', '/api/v1/api-keys/00000000000000000000000000000000'],
      [404, 'GET', `/api/v1/receipts/${'0'.repeat(64)}`],
    ];
    const before = await count();
    for (const [status, method, path, body] of nothing) {
      const answer = await ask(method, path, body);
      await answer.text();
      expect([path, answer.status, answer.headers.get('signet-receipt')]).toEqual([path, status, null]);
    }
    expect((await ask('GET', '/api/v1/status', undefined, 'wrong')).status).toBe(401);
    const large = await ask('POST', '/api/v1/api-keys', { label: 'x'.repeat(300_000), scopes: [] });
    expect(large.status).toBe(413);
    const typed = await fetch(`${node.url}/api/v1/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner}`, 'content-type': 'text/plain' },
      body: '{}',
    });
    expect(typed.status).toBe(415);
    expect(await count()).toBe(before);
  });

  /** In the log, or waiting for it. */
  async function count(): Promise<number> {
    const { ledger } = (await (await ask('GET', '/api/v1/status')).json()) as {
      ledger: { pending: number; size: number };
    };
    return ledger.size + ledger.pending;
  }

  test('`signet verify` accepts each kind with sockets forbidden', async () => {
    const file = join(home, 'receipt.json');
    for (const text of threeKinds()) {
      await writeFile(file, text);
      const verified = await execute(
        process.execPath,
        [
          '--import',
          join(repository, 'tests', 'e2e', 'without-sockets.mjs'),
          join(repository, 'clients', 'cli', 'bin', 'signet.mjs'),
          'verify',
          file,
          '--home',
          home,
        ],
        { env: { PATH: process.env['PATH'] } },
      );
      expect(verified.stdout).toContain('valid');
    }
  }, 30_000);

  test('no byte of a receipt changes unseen', async () => {
    const kept: string[] = [];
    for (const text of threeKinds()) {
      const bytes = Buffer.from(text);
      // One bit of each byte, a different one each time; `verify-receipt.property.test.ts` draws any.
      for (let bit = 0; bit < bytes.length * 8; bit += 9) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const { exit } = await verifyReceipt({
          bytes: changed,
          verify: compute.verify,
          digest: compute.digest,
          trust: [node.node.node_id],
        });
        if (exit === 0) kept.push(`bit ${bit} of ${text.slice(0, 40)}`);
      }
    }
    expect(kept).toEqual([]);
  }, 60_000);

  /** A decision that allowed, a refusal, and a run. */
  function threeKinds(): string[] {
    const texts = [...met.values()];
    const of = (part: string): string => texts.find((text) => payloadOf(text).includes(part)) ?? `no ${part}`;
    return [of('"chat"'), of('"deny"'), of('urn:signet:run:v1')];
  }

  test('entries stand in the order of their times; the minute’s counts are the last of them', async () => {
    await node.stop();
    node = await start();
    const read = async (path: string): Promise<Uint8Array | undefined> => {
      const answer = await fetch(`${node.url}/log/${path}`, { headers: { authorization: `Bearer ${owner}` } });
      return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : undefined;
    };
    const [, size] = Buffer.from((await read('checkpoint')) ?? [])
      .toString()
      .split('\n');
    const entries = await readEntries(read, Number(size));
    const payloads = entries.map((entry) => payloadOf(JSON.stringify({ entry: entry.toString('base64') })));
    const times = payloads.map((text) => (JSON.parse(text) as { predicate: { iat: number } }).predicate.iat);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    for (const text of met.values()) {
      const { entry } = JSON.parse(text) as { entry: string };
      expect(entries.filter((found) => found.equals(Buffer.from(entry, 'base64')))).toHaveLength(1);
    }
    expect(JSON.parse(payloads.at(-1) ?? '')).toMatchObject({
      predicateType: 'urn:signet:counts:v1',
      predicate: { counts: { malformed: 2, not_found: 4, too_large: 1, unauthenticated: 1 } },
    });
    for (const id of met.keys()) await statementOf(id);
  }, 60_000);
});

function subjects({ statement }: Left): string[] {
  return (statement['subject'] as { name: string }[]).map(({ name }) => name);
}

function payloadOf(receipt: string): string {
  const { entry } = JSON.parse(receipt) as { entry: string };
  const { payload } = JSON.parse(Buffer.from(entry, 'base64').toString()) as { payload: string };
  return Buffer.from(payload, 'base64').toString();
}

function textOf(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`expected a text, got ${JSON.stringify(value)}`);
  return value;
}
