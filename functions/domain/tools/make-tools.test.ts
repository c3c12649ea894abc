import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { recordingJudge } from '../../../tests/upstream/recording-judge.ts';
import { openDatabase, type Database } from '../../adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import type { Call } from '../call.ts';
import type { Judgement } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { cutResult } from './cut-result.ts';
import { makeTools } from './make-tools.ts';
import type { ToolManifest } from './tools.ts';

let home: string;
let db: Database;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-tools-'));
  db = await openDatabase({ path: join(home, 'signet.db') });
});
afterAll(async () => {
  await db.close();
  await rm(home, { recursive: true });
});

const echo: ToolManifest = {
  name: 'text.echo',
  description: 'Says it again.',
  version: '1',
  parameters: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  side_effects: 'compute',
  timeout_ms: 1000,
  idempotent: false,
  allow_parallel: true,
  target: { kind: 'builtin', name: 'text.echo' },
};
const script: ToolManifest = {
  ...echo,
  name: 'mine.add',
  target: { kind: 'script', digest: 'a'.repeat(64), tool: 'add' },
};

function start(
  given: {
    run?: (call: Call, args: JsonObject) => Promise<Json>;
    allows?: (judgement: Judgement) => boolean;
    manifest?: Partial<ToolManifest>;
  } = {},
) {
  const judge = recordingJudge(given.allows);
  const manifest = { ...echo, ...given.manifest };
  const run = given.run ?? (async (_call: Call, args: JsonObject) => args['text'] ?? null);
  const asked: JsonObject[] = [];
  const tools = makeTools({
    table: sqliteTable(db),
    judge,
    now: Date.now,
    newId: randomUUID,
    limits,
    targets: {
      builtin: new Map([[echo.name, { manifest, run }]]),
      script: async (call, request) => {
        asked.push({ ...request, depth: call.depth });
        return 'from the script';
      },
    },
  });
  return { judge, tools, asked };
}

const callOf = (tenant = `t-${randomUUID()}`, more: Partial<Call> = {}): Call => {
  let n = 0;
  return {
    principal: { kind: 'key', id: 'k', tenant, scopes: ['tools:call'] },
    request_id: randomUUID(),
    nextStatement: () => n++,
    depth: 0,
    signal: new AbortController().signal,
    ...more,
  };
};
const args = (value: Json) => ({ name: 'text.echo', arguments_json: JSON.stringify(value) });

describe('the registry', () => {
  test('puts, lists, gets, replaces and deletes within a tenant, with receipts', async () => {
    const { tools, judge } = start();
    const call = callOf();
    await tools.put(call, script);
    await tools.put(call, { ...script, version: '2' });
    expect((await tools.list(call)).map(({ name, version }) => `${name} ${version}`)).toEqual([
      'mine.add 2',
      'text.echo 1',
    ]);
    expect(await tools.get(call, 'mine.add')).toEqual({ ...script, version: '2' });
    await expect(tools.get(callOf(), 'mine.add')).rejects.toMatchObject({ code: 'tool_not_found' });
    await tools.delete(call, 'mine.add');
    await expect(tools.get(call, 'mine.add')).rejects.toMatchObject({ code: 'tool_not_found' });
    await expect(tools.delete(call, 'mine.add')).rejects.toMatchObject({ code: 'tool_not_found' });
    expect(judge.decisions.map(({ judgement }) => judgement.facts['operation'])).toEqual(['put', 'put', 'delete']);
  });

  test('built-in tools stay', async () => {
    const { tools } = start();
    await expect(tools.put(callOf(), { ...script, name: 'text.echo' })).rejects.toMatchObject({ code: 'tool_exists' });
    await expect(tools.delete(callOf(), 'text.echo')).rejects.toMatchObject({ code: 'tool_exists' });
  });

  test.each<[string, Partial<ToolManifest>]>([
    ['name', { name: 'a b' }],
    ['name', { name: 'a__b' }],
    ['name', { name: '.'.repeat(40) }],
    ['description', { description: '' }],
    ['version', { version: '' }],
    ['side_effects', { side_effects: 'magic' as 'none' }],
    ['timeout_ms', { timeout_ms: 0 }],
    ['timeout_ms', { timeout_ms: 30_001 }],
    ['parameters', { parameters: { type: 'string' } }],
    ['parameters', { parameters: { type: 'object', $ref: 'https://x.example/s' } }],
    ['output_schema', { output_schema: { type: 'int' } }],
    ['target.name', { target: { kind: 'builtin', name: 'none' } }],
    ['target.digest', { target: { kind: 'script', digest: 'x', tool: 'add' } }],
    ['target.tool', { target: { kind: 'script', digest: 'a'.repeat(64), tool: 'a b' } }],
  ])('refuses a bad %s: %j', async (param, more) => {
    await expect(start().tools.put(callOf(), { ...script, ...more })).rejects.toMatchObject({
      public: { code: 'invalid_request', param },
    });
  });

  test.each(['http', 'lambda', 'mcp'] as const)('%s targets are not built', async (kind) => {
    await expect(start().tools.put(callOf(), { ...script, target: { kind } })).rejects.toMatchObject({
      code: 'not_built',
      status: 501,
    });
  });

  test('offers what policy allows, under the names that models take', async () => {
    const { tools } = start({ allows: ({ resource }) => resource.id !== 'mine.add' });
    const call = callOf();
    const owner = start();
    await owner.tools.put(call, script);
    expect(await tools.offered(call, 'auto')).toEqual([
      {
        type: 'function',
        function: { name: 'text__echo', description: 'Says it again.', parameters: echo.parameters },
      },
    ]);
    expect(await owner.tools.offered(call, ['mine.add', 'mine.add'])).toHaveLength(1);
    await expect(tools.offered(call, ['none'])).rejects.toMatchObject({ code: 'tool_not_found' });
    expect(tools.nameFromModel('text__echo')).toBe('text.echo');
  });
});

describe('a call', () => {
  test('gives the value and a receipt', async () => {
    const { tools, judge } = start();
    expect(await tools.invoke(callOf(), args({ text: 'hi' }))).toEqual({
      kind: 'result',
      value: 'hi',
      truncated: false,
      receipt: 'receipt-1',
    });
    expect(judge.decisions[0]).toMatchObject({
      judgement: { facts: { side_effects: 'compute', target: 'builtin' } },
      outcome: { finish: 'result' },
    });
  });

  test('reaches a script one level deeper, with its time', async () => {
    const { tools, asked } = start();
    const call = callOf();
    await tools.put(call, script);
    const outcome = await tools.invoke(call, { name: 'mine.add', arguments_json: '{"text":"x"}', deadline_ms: 70 });
    expect(outcome).toMatchObject({ kind: 'result', value: 'from the script' });
    expect(asked).toEqual([{ digest: 'a'.repeat(64), tool: 'add', args: { text: 'x' }, timeout_ms: 70, depth: 1 }]);
  });

  test.each([
    ['tool_not_found', { name: 'none', arguments_json: '{}' }],
    ['invalid_arguments', { name: 'text.echo', arguments_json: '{' }],
    ['invalid_arguments', { name: 'text.echo', arguments_json: '[]' }],
    ['invalid_arguments', { name: 'text.echo', arguments_json: '' }],
    ['invalid_arguments', args({ text: 1 })],
    ['invalid_arguments', args({ text: 'x'.repeat(70_000) })],
    [
      'invalid_arguments',
      { name: 'text.echo', arguments_json: `{"text":"x","y":${'['.repeat(100)}${']'.repeat(100)}}` },
    ],
  ])('that was never understood is %s and leaves no receipt', async (type, request) => {
    const { tools, judge } = start();
    const outcome = await tools.invoke(callOf(), request);
    expect(outcome).toMatchObject({ kind: 'failure', error: { type } });
    expect(judge.decisions).toEqual([]);
  });

  test('too deep is limit_exceeded', async () => {
    expect(await start().tools.invoke(callOf('t', { depth: 4 }), args({ text: 'x' }))).toMatchObject({
      error: { type: 'limit_exceeded' },
    });
  });

  test('that policy refuses is a failure with its receipt', async () => {
    const { tools } = start({ allows: () => false });
    expect(await tools.invoke(callOf(), args({ text: 'x' }))).toEqual({
      kind: 'failure',
      error: { type: 'policy_denied', message: expect.any(String) },
      receipt: 'receipt-1',
    });
  });

  test('that fails says so without internals, and leaves a receipt', async () => {
    const { tools, judge } = start({
      run: async () => {
        throw new Error('secret at /etc/x');
      },
    });
    expect(await tools.invoke(callOf(), args({ text: 'x' }))).toEqual({
      kind: 'failure',
      error: { type: 'execution_error', message: 'the tool failed' },
      receipt: 'receipt-1',
    });
    expect(judge.decisions[0]?.outcome).toMatchObject({ finish: 'execution_error', detail: { attempts: 1 } });
  });

  test('that takes too long is a timeout, also if the tool does not listen', async () => {
    const { tools } = start({ manifest: { timeout_ms: 20 }, run: () => new Promise(() => undefined) });
    expect(await tools.invoke(callOf(), args({ text: 'x' }))).toMatchObject({
      error: { type: 'timeout' },
      receipt: 'receipt-1',
    });
  });

  test('of an idempotent tool is tried again where that may help', async () => {
    let times = 0;
    const run = async () => {
      if (++times < 2) throw new SignetError({ code: 'provider_error', detail: 'down' });
      return 'up';
    };
    expect(
      await start({ manifest: { idempotent: true, timeout_ms: 5000 }, run }).tools.invoke(
        callOf(),
        args({ text: 'x' }),
      ),
    ).toMatchObject({ value: 'up' });
    times = 0;
    const never = async () => {
      times++;
      throw new SignetError({ code: 'collection_not_found', detail: 'no collection `x`' });
    };
    expect(
      await start({ manifest: { idempotent: true }, run: never }).tools.invoke(callOf(), args({ text: 'x' })),
    ).toMatchObject({ error: { type: 'execution_error', message: 'no collection `x`' } });
    expect(times).toBe(1);
  });

  test('whose output does not fit its schema is output_invalid', async () => {
    const { tools } = start({ manifest: { output_schema: { type: 'number' } } });
    expect(await tools.invoke(callOf(), args({ text: 'x' }))).toMatchObject({ error: { type: 'output_invalid' } });
  });

  test('with a long result is cut and says so', async () => {
    const { tools } = start({ run: async () => 'é"'.repeat(100_000) });
    const outcome = await tools.invoke(callOf(), args({ text: 'x' }));
    expect(outcome).toMatchObject({ kind: 'result', truncated: true });
    expect(Buffer.byteLength(JSON.stringify(outcome.kind === 'result' && outcome.value))).toBeLessThanOrEqual(65_536);
  });

  test('of a client that is gone ends the request', async () => {
    const stop = new AbortController();
    const { tools } = start({
      run: async () => {
        stop.abort();
        throw new Error('x');
      },
    });
    await expect(tools.invoke(callOf('t', { signal: stop.signal }), args({ text: 'x' }))).rejects.toMatchObject({
      code: 'client_closed',
    });
  });
});

test('a cut falls between characters', () => {
  expect(cutResult('ééé', 5)).toMatchObject({ value: 'é', truncated: true });
  expect(cutResult({ a: 1 }, 100)).toEqual({ value: { a: 1 }, truncated: false, bytes: 7 });
  expect(cutResult([1, 2, 3, 4], 6)).toMatchObject({ value: '[1,2', truncated: true });
});
