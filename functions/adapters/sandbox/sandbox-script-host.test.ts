import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import channelSchema from '@signet/shared/schemas/script-channel.json' with { type: 'json' };
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject } from '../../domain/json.ts';
import {
  InterpreterCrashError,
  type CallFrame,
  type ReplyFrame,
  type ScriptCompletion,
  type ScriptLimits,
  type ScriptStart,
} from '../../domain/ports/script-host.ts';
import { exitCodeOf } from '../../domain/runs/exit-code.ts';
import { sandboxScriptHost, type SandboxScriptHost } from './sandbox-script-host.ts';

const built = findBuilt();
if (built === undefined) {
  console.warn(
    'the sandbox or the script image is not built (node scripts/build-artefacts.mjs): its tests are skipped',
  );
}

const usual: ScriptLimits = {
  wall_ms: 20_000,
  cpu_ms: 10_000,
  memory_mb: 256,
  output_bytes: 8_192,
  host_calls: 1_000,
  script_tool_ms: 5_000,
};

const hosts: SandboxScriptHost[] = [];
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.close()));
});

let runs = 0;

function startOf(script: string, more: Partial<ScriptStart> = {}, limits: Partial<ScriptLimits> = {}): ScriptStart {
  runs += 1;
  return {
    run_id: `run-${runs}`,
    tenant: 'acme',
    token: 'SECRET-TOKEN',
    script,
    file_name: 'script.py',
    argv: ['one', 'two'],
    input: { n: 3 },
    seed: '42',
    clock_base_ms: 1_700_000_000_000,
    dry_run: false,
    limits: { ...usual, ...limits },
    ...more,
  };
}

function open(answer: (frame: CallFrame) => ReplyFrame | Promise<ReplyFrame> = refuse): {
  host: SandboxScriptHost;
  frames: CallFrame[];
} {
  if (built === undefined) throw new Error('not built');
  const frames: CallFrame[] = [];
  const host = sandboxScriptHost({
    ...built,
    answerCall: async (frame) => {
      frames.push(frame);
      return answer(frame);
    },
  });
  hosts.push(host);
  return { host, frames };
}

const refuse = (frame: CallFrame): ReplyFrame =>
  errorOf('HyperCoreError', 'invalid_request', `no method ${frame.method}`);

function errorOf(type: string, code: string, message: string, facts: JsonObject = {}): ReplyFrame {
  return { kind: 'error', error: { type, code, message, retryable: false, facts } };
}

const shared = built === undefined ? undefined : open();

function run(script: string, limits: Partial<ScriptLimits> = {}, more: Partial<ScriptStart> = {}) {
  if (shared === undefined) throw new Error('not built');
  return shared.host.start(startOf(script, more, limits), () => undefined);
}

const whenBuilt = built === undefined ? describe.skip : describe;

whenBuilt('a run', () => {
  test('gives the trailing expression, and `set_result` before it', async () => {
    expect(await run('x = 20\nx * 2 + 2')).toMatchObject({
      state: 'succeeded',
      exit_code: 0,
      result: 42,
      result_type: 'int',
    });
    expect(await run('from hyper_core import set_result\nset_result([1, 2])\n"other"')).toMatchObject({
      result: [1, 2],
    });
  });

  test.each([
    ['{1, 2}', '{1, 2}', 'set'],
    ['float("nan")', 'nan', 'float'],
    ['2 ** 70', '1180591620717411303424', 'int'],
    ['{1: 2}', '{1: 2}', 'dict'],
  ])('answers `%s`, which is not JSON, as its repr', async (script, result, result_type) => {
    expect(await run(script)).toMatchObject({ state: 'succeeded', result, result_type });
  });

  test('tells file, line and source of what was raised', async () => {
    const { error, exit_code } = await run('def f():\n    raise ValueError("boo")\n\nf()\n');
    expect(exit_code).toBe(1);
    expect(error).toMatchObject({ type: 'ValueError', message: 'boo', line: 2 });
    expect(error?.traceback).toContain('File "script.py", line 2, in f\n    raise ValueError("boo")');
    expect(error?.traceback).not.toContain('interpreter.py');
  });

  test('tells the line of a syntax error', async () => {
    expect((await run('x = 1\ny = = 2\n')).error).toMatchObject({ type: 'SyntaxError', line: 2 });
  });

  test.each([
    ['import sys; sys.exit()', 'succeeded', 0, ''],
    ['import sys; sys.exit(3)', 'failed', 1, ''],
    ['import sys; sys.exit("bye")', 'failed', 1, 'bye\n'],
  ])('ends as `%s` asks', async (script, state, exit_code, stderr) => {
    expect(await run(script)).toMatchObject({ state, exit_code, stderr });
  });

  test('knows its id, arguments, input and mode', async () => {
    const script = 'from hyper_core import run\nimport sys\n[run.id, run.argv, run.input, run.dry_run, sys.argv]';
    expect((await run(script)).result).toEqual([
      `run-${runs}`,
      ['one', 'two'],
      { n: 3 },
      false,
      ['script.py', 'one', 'two'],
    ]);
  });

  test('has the clock and the random numbers of its start', async () => {
    const script = 'import random, time, os\n[random.random(), os.urandom(8).hex(), int(time.time())]';
    const [first, second] = [await run(script), await run(script)];
    expect(first.result).toEqual(second.result);
    expect((first.result as unknown[])[2]).toBe(1_700_000_000);
    expect((await run(script, {}, { seed: '43' })).result).not.toEqual(first.result);
  });

  test('runs asyncio without sockets', async () => {
    const script =
      'import asyncio\nasync def f(n):\n    await asyncio.sleep(0.001)\n    return n\nasync def g():\n    return await asyncio.gather(f(1), f(2))\nasyncio.run(g())';
    expect((await run(script)).result).toEqual([1, 2]);
  });

  test('imports what of the standard library it did not preload', async () => {
    expect(
      (
        await run(
          'import urllib.request, email.message, sqlite3\nsqlite3.connect(":memory:").execute("select 41 + 1").fetchone()[0]',
        )
      ).result,
    ).toBe(42);
  });

  test('leaves nothing to the next run', async () => {
    expect((await run('import builtins\nbuiltins.len = lambda x: 7\nlen([])')).result).toBe(7);
    expect((await run('len([])')).result).toBe(0);
  });

  test('answers one of its tools when that is what it is for', async () => {
    const script = 'from hyper_core import tool\n@tool\ndef double(n: int):\n    return n * 2\n';
    expect((await run(script, {}, { call_tool: { name: 'double', args: { n: 21 } } })).result).toBe(42);
    const missing = await run(script, {}, { call_tool: { name: 'triple', args: {} } });
    expect(missing).toMatchObject({ state: 'failed', error: { type: 'ToolNotFound', code: 'tool_not_found' } });
  });

  test('has the vector functions', async () => {
    const script =
      'import neuralcore as n\n[n.dot_product([1, 2], [3, 4]), n.cosine_similarity([1, 0], [0, 0]), n.euclidean_distance([0, 0], [3, 4]), n.normalize([3, 4]), n.top_k_similar([1, 0], [[0, 1], [1, 0], [2, 0]], 2), n.NATIVE_AVAILABLE]';
    expect((await run(script)).result).toEqual([
      11,
      0,
      5,
      [0.6, 0.8],
      [
        [1, 1],
        [2, 1],
      ],
      false,
    ]);
  });

  test.each([
    'from hyper_core import llm\nllm.stream("x")',
    'from hyper_core import web\nweb.fetch("http://x")',
    'import neuralcore\nneuralcore.MessageBus()',
    'import neuralcore\nneuralcore.HNSWIndex(3)',
  ])('says of `%s` that it is not built', async (script) => {
    expect((await run(script)).error).toMatchObject({ type: 'HyperCoreError', code: 'not_built' });
  });
});

whenBuilt('tools', () => {
  const schemaOf = async (definition: string): Promise<unknown> =>
    (
      await run(
        `from hyper_core import tool\nfrom hyper_core._tools import manifests\nfrom typing import *\nimport enum, dataclasses\n${definition}\nmanifests()[0]`,
      )
    ).result;

  test.each([
    ['@tool\ndef f(args):\n    "Says it."', { type: 'object' }],
    ['@tool\ndef f(whole: dict):\n    "Says it."', { type: 'object' }],
    [
      '@tool\ndef f(a: int, b: int = 1):\n    "Says it."',
      {
        type: 'object',
        properties: { a: { type: 'integer' }, b: { type: 'integer', default: 1 } },
        additionalProperties: false,
        required: ['a'],
      },
    ],
    [
      'class C(enum.Enum):\n    A = "a"\n@dataclasses.dataclass\nclass P:\n    x: float\n    y: float = 0\n@tool\ndef f(c: C, p: P, l: list[str], d: dict[str, int], o: Optional[bool], u: int | str, k: Literal["x", "y"], n: Annotated[int, "how many"], z):\n    """Says it.\n\n    Args:\n        z: anything\n    """',
      {
        type: 'object',
        properties: {
          c: { enum: ['a'] },
          p: {
            type: 'object',
            properties: { x: { type: 'number' }, y: { type: 'number' } },
            additionalProperties: false,
            required: ['x'],
          },
          l: { type: 'array', items: { type: 'string' } },
          d: { type: 'object', additionalProperties: { type: 'integer' } },
          o: { type: ['boolean', 'null'] },
          u: { type: ['integer', 'string'] },
          k: { enum: ['x', 'y'] },
          n: { type: 'integer', description: 'how many' },
          z: { description: 'anything' },
        },
        additionalProperties: false,
        required: ['c', 'p', 'l', 'd', 'o', 'u', 'k', 'n', 'z'],
      },
    ],
  ])('have the schema of `%s`', async (definition, parameters) => {
    expect(await schemaOf(definition)).toMatchObject({ name: 'f', description: 'Says it.', parameters });
  });

  test('take their form from the decorator', async () => {
    expect(
      await schemaOf(
        '@tool("g", description="d", timeout=2, side_effects="read", idempotent=True, parallel=True)\ndef f(): pass',
      ),
    ).toEqual({
      name: 'g',
      description: 'd',
      parameters: { type: 'object', properties: {}, additionalProperties: false },
      side_effects: 'read',
      timeout_ms: 2000,
      idempotent: true,
      parallel: true,
    });
  });

  test.each([
    ['def f(*args): pass', 'TypeError'],
    ['def f(**kwargs): pass', 'TypeError'],
    ['async def f(): pass', 'TypeError'],
    ['def f(a: complex): pass', 'TypeError'],
  ])('refuse `%s`', async (definition, type) => {
    expect((await run(`from hyper_core import tool\n@tool\n${definition}`)).error).toMatchObject({ type });
  });

  test('stay what they are as functions', async () => {
    expect((await run('from hyper_core import tool\n@tool\ndef f(a: int): return a + 1\nf(1)')).result).toBe(2);
  });
});

whenBuilt('the channel', () => {
  const chat = { finish_reason: 'stop', usage: { in: 1, out: 1 }, tool_calls: [], model: 'm', receipt: 'r' };

  test('carries the example: search, chat, its tool, and 42', async () => {
    const { host, frames } = open((frame) => {
      if (frame.method === 'web.search') return { kind: 'value', value: [{ title: 'T', url: 'U', snippet: 'S' }] };
      if (frame.method === 'llm.chat')
        return { kind: 'call_tool', call_id: 'c1', name: 'soma', args: { a: 12, b: 30 } };
      return { kind: 'value', value: { ...chat, text: `it is ${JSON.stringify(frame.args['value'])}` } };
    });
    const start = startOf(readFileSync('examples/soma.py', 'utf8'));
    const events: string[] = [];
    expect(await host.start(start, ({ text }) => events.push(text))).toMatchObject({
      exit_code: 0,
      stdout: 'it is 42\n',
    });
    expect(events.join('')).toBe('it is 42\n');
    expect(frames.map(({ seq, method, token, run_id }) => ({ seq, method, token, run_id }))).toEqual(
      ['web.search', 'llm.chat', 'tool.result'].map((method, index) => ({
        seq: index + 1,
        method,
        token: start.token,
        run_id: start.run_id,
      })),
    );
    expect(frames[0]?.args).toEqual({ query: 'Rust vs Python performance', k: 5 });
    expect(frames[1]?.args).toMatchObject({
      prompt: expect.stringContaining('T\nS\nU'),
      tools: true,
      script_tools: [{ name: 'soma', description: 'Adds a and b.', parameters: { type: 'object' }, timeout_ms: 5000 }],
    });
    expect(frames[2]?.args).toEqual({ call_id: 'c1', ok: true, value: 42 });
  });

  test.each([
    ['raise ValueError("no")', { type: 'ValueError', message: 'no' }],
    ['return {1, 2}', { type: 'NotJson', message: '`set` has no JSON form' }],
    ['return args["missing"]', { type: 'KeyError', message: "'missing'" }],
  ])('tells the host of a tool that does `%s`', async (body, error) => {
    const { host, frames } = open((frame) =>
      frame.method === 'tools.call'
        ? { kind: 'call_tool', call_id: 'c', name: 'f', args: {} }
        : { kind: 'value', value: 'told' },
    );
    const script = `from hyper_core import tool, call_tool\n@tool\ndef f(args):\n    ${body}\ncall_tool("f", {})`;
    expect((await host.start(startOf(script), () => undefined)).result).toBe('told');
    expect(frames[1]?.args).toEqual({ call_id: 'c', ok: false, error });
  });

  test.each([
    ['"12"', '`a`: expected an integer, got str'],
    ['true', '`a`: expected an integer, got bool'],
  ])('refuses %s for an integer', async (value, message) => {
    const { host, frames } = open((frame) =>
      frame.method === 'tools.call'
        ? { kind: 'call_tool', call_id: 'c', name: 'soma', args: { a: JSON.parse(value) as string } }
        : { kind: 'value', value: null },
    );
    const script =
      'from hyper_core import tool, call_tool\n@tool\ndef soma(a: int, b: int = 1):\n    return a + b\ncall_tool("soma", {})';
    await host.start(startOf(script), () => undefined);
    expect(frames[1]?.args).toMatchObject({ ok: false, error: { type: 'InvalidArguments', message } });
  });

  test('sends frames that fit the shared schema, and takes each kind of answer', async () => {
    const schema = new Ajv2020({ allowUnionTypes: true, strictTypes: false }).addSchema(channelSchema);
    const isCall = schema.getSchema(channelSchema.$id);
    const isReply = schema.getSchema(`${channelSchema.$id}#/$defs/reply`);
    const replies = new Map<string, ReplyFrame>([
      ['llm.chat', { kind: 'call_tool', call_id: 'c1', name: 'soma', args: { a: 1 } }],
      [
        'tool.result',
        {
          kind: 'value',
          value: {
            text: 't',
            finish_reason: 'stop',
            usage: { in: 1, out: 1 },
            tool_calls: [],
            model: 'm',
            receipt: 'r',
          },
        },
      ],
      ['web.search', { kind: 'value', value: [{ title: 't', url: 'u', snippet: 's' }] }],
      ['embed', { kind: 'value', value: { vectors: [[0.5]], dimension: 1, tokens: 1 } }],
      ['tools.call', errorOf('ToolNotFound', 'tool_not_found', 'no')],
    ]);
    const { host, frames } = open((frame) => replies.get(frame.method) ?? refuse(frame));
    const script = `
from hyper_core import llm, web, tool, call_tool, ToolNotFound
from neuralcore import EmbeddingEngine
@tool(description="Adds.", timeout=1, side_effects="none", idempotent=True, parallel=True)
def soma(a: int, b: int = 1):
    if a > 1: raise ValueError("too many")
    return a + b
llm.chat("x", system="s", model="m", tier="edge", temperature=0.5, max_tokens=5, stop=["z"], seed=1,
         response_format={"type": "text"}, tool_choice="auto", max_steps=2, timeout=3)
llm.chat(messages=[{"role": "user", "content": "x"}], tools=["soma"], strict=True)
web.search_results("q", k=3)
EmbeddingEngine().embed_query("q")
try:
    call_tool("absent", {"n": 1})
except ToolNotFound as error:
    error.code
`;
    expect(await host.start(startOf(script), () => undefined)).toMatchObject({ state: 'succeeded' });
    expect(new Set(frames.map(({ method }) => method))).toEqual(new Set(replies.keys()));
    for (const frame of frames)
      expect([isCall?.(frame), isCall?.errors, frame.method]).toEqual([true, null, frame.method]);
    for (const reply of replies.values()) expect([isReply?.(reply), isReply?.errors]).toEqual([true, null]);
  });

  test.each(['soma', 'web.search', 'web__search'])(
    'refuses the registry name %s to a tool of the script',
    async (name) => {
      const { host } = open();
      const script = `from hyper_core import tool\n@tool("${name}")\ndef f(args):\n    pass\n`;
      const more = { registry_tools: ['soma', 'web.search'] };
      expect(await host.start(startOf(script, more), () => undefined)).toMatchObject({
        state: 'failed',
        exit_code: 1,
        error: { type: 'ValueError', message: expect.stringContaining(`\`${name}\` is a tool of the registry`) },
      });
      expect(await host.start(startOf(script), () => undefined)).toMatchObject({ state: 'succeeded' });
    },
  );

  test('ends a tool at its time, and the run goes on', async () => {
    const { host, frames } = open((frame) =>
      frame.method === 'tools.call'
        ? { kind: 'call_tool', call_id: 'c', name: 'f', args: {} }
        : { kind: 'value', value: 'on' },
    );
    const script =
      'from hyper_core import tool, call_tool\n@tool(timeout=0.1)\ndef f(args):\n    while True: pass\ncall_tool("f", {})';
    expect((await host.start(startOf(script), () => undefined)).result).toBe('on');
    expect(frames[1]?.args).toMatchObject({ ok: false, error: { type: 'ToolTimeout' } });
  });

  test.each([
    ['RateLimited', 'provider_rate_limited', { retry_after: 7 }, 5, 'error.retry_after', 7],
    ['LLMError', 'provider_error', { status: 502, provider: 'p' }, 5, '[error.status, error.provider]', [502, 'p']],
    ['PolicyDenied', 'policy_denied', {}, 7, 'error.code', 'policy_denied'],
    ['BudgetExceeded', 'insufficient_quota', {}, 7, 'error.retryable', false],
    ['ApprovalRequired', 'approval_required', { approval_id: 'a1' }, 7, 'error.approval_id', 'a1'],
    ['LimitExceeded', 'limit_exceeded', {}, 6, 'str(error)', 'said'],
    [
      'ToolNotFound',
      'tool_not_found',
      { receipt: 'r1' },
      1,
      '[isinstance(error, KeyError), error.receipt]',
      [true, 'r1'],
    ],
    ['Unheard', 'odd', {}, 1, 'type(error).__name__', 'HyperCoreError'],
  ])('raises %s, whose exit code is %#', async (type, code, facts, exit_code, expression, value) => {
    const { host } = open(() => errorOf(type, code, 'said', facts));
    const uncaught = await host.start(startOf('from hyper_core import llm\nllm.chat("x")'), () => undefined);
    expect(uncaught).toMatchObject({ state: 'failed', error: { code } });
    expect(exitCodeOf(uncaught)).toBe(exit_code);
    const caught = startOf(
      `import hyper_core\ntry:\n    hyper_core.llm.chat("x")\nexcept hyper_core.HyperCoreError as e:\n    error = e\n${expression}`,
    );
    expect((await host.start(caught, () => undefined)).result).toEqual(value);
  });

  test('embeds', async () => {
    const { host, frames } = open(() => ({ kind: 'value', value: { vectors: [[1, 2]], dimension: 2, tokens: [1] } }));
    const script = 'from neuralcore import EmbeddingEngine\ne = EmbeddingEngine()\n[e.embed_query("q"), e.dimension]';
    expect((await host.start(startOf(script), () => undefined)).result).toEqual([[1, 2], 2]);
    expect(frames.map(({ args }) => args)).toEqual([{ texts: ['q'], input_type: 'query' }]);
  });

  test('stops at the host calls of the run', async () => {
    const { host, frames } = open(() => ({ kind: 'value', value: [] }));
    const script = 'from hyper_core import web\nfor _ in range(9):\n    web.search("x")';
    const completion = await host.start(startOf(script, {}, { host_calls: 3 }), () => undefined);
    expect(completion).toMatchObject({ exit_code: 6, error: { type: 'LimitExceeded' }, usage: { host_calls: 3 } });
    expect(frames).toHaveLength(3);
  });

  test('keeps interleaved runs apart', async () => {
    const { host } = open(async (frame) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return { kind: 'value', value: [{ title: frame.run_id, url: frame.args['query'] ?? '', snippet: '' }] };
    });
    const script = 'from hyper_core import web, run\n[web.search_results(f"{run.input} {i}")[0] for i in range(5)]';
    const starts = Array.from({ length: 12 }, (_, input) => startOf(script, { input }));
    const completions = await Promise.all(starts.map((start) => host.start(start, () => undefined)));
    completions.forEach(({ result }, n) => {
      expect(result).toEqual([0, 1, 2, 3, 4].map((i) => ({ title: starts[n]?.run_id, url: `${n} ${i}`, snippet: '' })));
    });
  });

  test('answers an error of ours when the orchestrator throws', async () => {
    const { host } = open(() => Promise.reject(new Error('the database password is hunter2')));
    const completion = await host.start(startOf('from hyper_core import llm\nllm.chat("x")'), () => undefined);
    expect(completion.error).toMatchObject({ type: 'HyperCoreError', code: 'internal' });
    expect(JSON.stringify(completion)).not.toContain('hunter2');
  });
});

whenBuilt('limits', () => {
  test.each([
    ['a spin', 'while True: pass'],
    [
      'a spin that catches everything',
      'while True:\n    try:\n        while True: pass\n    except BaseException: pass',
    ],
    ['a regular expression', 'import re\nre.match(r"(a+)+$", "a" * 40 + "b")'],
    ['a big integer', 'x = 7 ** (10 ** 8)'],
    ['a sum in C', 'sum(range(10 ** 12))'],
    ['a sleep', 'import time\ntime.sleep(100)'],
    ['a finaliser', 'class A:\n    def __del__(self):\n        while True: pass\nA()'],
  ])('wall time ends %s', async (_name, script) => {
    const completion = await run(`print("before")\n${script}`, { wall_ms: 200 });
    expect(completion).toMatchObject({
      state: 'timed_out',
      exit_code: 3,
      stdout: 'before\n',
      error: { type: 'TimeLimit' },
    });
  });

  test('processor time ends a spin and leaves a sleeper alone', async () => {
    expect(await run('while True: pass', { cpu_ms: 50 })).toMatchObject({ state: 'timed_out', exit_code: 3 });
    expect(await run('import time\ntime.sleep(0.2)\n1', { cpu_ms: 150 })).toMatchObject({
      state: 'succeeded',
      result: 1,
    });
  });

  test('memory is a MemoryError that may be caught, and exit 6 where it is not', async () => {
    expect(await run('try:\n    bytearray(500 << 20)\nexcept MemoryError:\n    r = "caught"\nr')).toMatchObject({
      result: 'caught',
    });
    const script = 'x = []\nwhile True:\n    x.append(bytearray(1 << 20))';
    const completion = await run(script, { memory_mb: 64 });
    expect(completion).toMatchObject({ state: 'failed', exit_code: 6, error: { type: 'MemoryError' } });
    expect(completion.usage.memory_bytes).toBeLessThanOrEqual(64 << 20);
  });

  test('recursion is a RecursionError', async () => {
    expect((await run('def f(n):\n    return f(n + 1)\nf(0)')).error).toMatchObject({ type: 'RecursionError' });
  });

  test('9 KiB of output: 8,192 bytes at a character border, the flag, and all of it in events', async () => {
    if (shared === undefined) throw new Error('not built');
    const events: string[] = [];
    const start = startOf('print("x" + "é" * 4607, end="")');
    const completion = await shared.host.start(start, ({ text }) => events.push(text));
    expect(Buffer.byteLength(completion.stdout)).toBe(8_191);
    expect(completion).toMatchObject({
      stdout_truncated: true,
      stderr_truncated: false,
      usage: { stdout_bytes: 9_215 },
    });
    expect(events.join('')).toBe(`x${'é'.repeat(4607)}`);
  });

  test('a result over its cap fails the run', async () => {
    expect(await run('"x" * 300_000')).toMatchObject({ exit_code: 6, error: { type: 'LimitExceeded' }, result: null });
  });

  test('a call over the frame cap is refused where it is made', async () => {
    expect((await run('from hyper_core import llm\nllm.chat("x" * (2 << 20))')).error).toMatchObject({
      type: 'LimitExceeded',
      code: 'too_large',
    });
  });

  test('a script over its cap does not start', async () => {
    expect(await run(`x = "${'x'.repeat(262_144)}"`)).toMatchObject({ exit_code: 6, error: { type: 'LimitExceeded' } });
  });

  test('a spinning neighbour does not starve a run', async () => {
    const spinner = run('while True: pass', { wall_ms: 1_500 });
    expect(await run('1 + 1')).toMatchObject({ result: 2 });
    expect(await spinner).toMatchObject({ state: 'timed_out' });
  });
});

whenBuilt('ends', () => {
  test('cancelling is idempotent and ends the run as cancelled', async () => {
    if (shared === undefined) throw new Error('not built');
    const start = startOf('print("on")\nwhile True: pass');
    const { promise: printed, resolve } = Promise.withResolvers<void>();
    const running = shared.host.start(start, () => resolve());
    await printed;
    await shared.host.cancel(start.run_id);
    await shared.host.cancel(start.run_id);
    expect(await running).toMatchObject({ state: 'cancelled', exit_code: 130, stdout: 'on\n' });
  });

  test('a run that waits for a host call can be cancelled', async () => {
    const asked = Promise.withResolvers<void>();
    const { host } = open(() => {
      asked.resolve();
      return new Promise<ReplyFrame>(() => undefined);
    });
    const start = startOf('from hyper_core import llm\nllm.chat("x")');
    const running = host.start(start, () => undefined);
    await asked.promise;
    await host.cancel(start.run_id);
    expect(await running).toMatchObject({ state: 'cancelled' });
  });

  test('a lost process is a crash for its runs, and the next run gets a new one', async () => {
    const { host } = open();
    const { promise: printed, resolve } = Promise.withResolvers<void>();
    const running = host.start(startOf('print("on")\nwhile True: pass'), () => resolve());
    await printed;
    const [pid] = host.status()['pids'] as readonly number[];
    process.kill(pid ?? Number.NaN, 'SIGKILL');
    await expect(running).rejects.toThrow(InterpreterCrashError);
    expect(await host.start(startOf('1'), () => undefined)).toMatchObject({ result: 1 });
    expect(host.status()).toMatchObject({ lost: 1, processes: 1 });
  });

  test('another image than the pinned one is not loaded', async () => {
    if (built === undefined) throw new Error('not built');
    const complaints: object[] = [];
    const log = { info: () => undefined, error: () => undefined, warn: (facts: object) => complaints.push(facts) };
    const host = sandboxScriptHost({ ...built, image_sha256: '0'.repeat(64), answerCall: async (f) => refuse(f), log });
    hosts.push(host);
    await expect(host.start(startOf('1'), () => undefined)).rejects.toThrow(InterpreterCrashError);
    expect(JSON.stringify(complaints)).toContain('SHA-256');
  });

  test('a closed host takes no run', async () => {
    const { host } = open();
    await host.close();
    await expect(host.start(startOf('1'), () => undefined)).rejects.toThrow('`run` is unavailable');
  });

  test('tenants have processes of their own, and more runs than places wait', async () => {
    const { host } = open();
    const two = ['acme', 'other'].map((tenant) => host.start(startOf('1', { tenant }), () => undefined));
    await Promise.all(two);
    expect(host.status()).toMatchObject({ processes: 2 });
    const many = Array.from({ length: 40 }, (_, input) =>
      host.start(startOf('from hyper_core import run\nrun.input', { input }), () => undefined),
    );
    expect((await Promise.all(many)).map(({ result }) => result)).toEqual(many.map((_, n) => n));
  });

  test('the process says which walls hold', async () => {
    await run('1');
    expect(shared?.host.status()).toMatchObject({
      process: { protocol: 1, walls: { environment: true, resource_limits: true } },
    });
  });
});

whenBuilt('the escape corpus', () => {
  const folder = 'layers/script-image/corpus';
  test.each(readdirSync(folder).sort())('%s stays inside', async (name) => {
    const { completion, stdout } = await attempt(readFileSync(join(folder, name), 'utf8'));
    expect(stdout).not.toMatch(/^ESCAPED/m);
    expect(stdout).not.toContain('SECRET-TOKEN');
    expect(JSON.stringify(completion)).not.toContain('SECRET-TOKEN');
    expect(await run('1 + 1')).toMatchObject({ result: 2, stdout: '' });
    expect(shared?.host.status()).toMatchObject({ lost: 0 });
  });

  /** With everything it printed, for an escape may come after the cap of the completion. */
  async function attempt(script: string): Promise<{ completion: ScriptCompletion; stdout: string }> {
    if (shared === undefined) throw new Error('not built');
    let stdout = '';
    const start = startOf(script, {}, { wall_ms: 1_500, memory_mb: 128 });
    const completion = await shared.host.start(start, ({ kind, text }) => {
      if (kind === 'stdout') stdout += text;
    });
    return { completion, stdout };
  }
});

/** Both artefacts as `npm test` builds them; a fresh cargo build wins over the published executable. */
function findBuilt(): { executable_path: string; image_path: string; image_sha256: string } | undefined {
  const image = published('script-image');
  const digest = image?.files['script-image.cwasm']?.sha256;
  const native = published('native');
  const executable = [
    'rust-lambdas/target/release/signet-sandbox',
    ...(native === undefined ? [] : [join(native.folder, 'signet-sandbox')]),
  ].find((path) => existsSync(path));
  if (image === undefined || digest === undefined || executable === undefined) return undefined;
  return {
    executable_path: executable,
    image_path: join(image.folder, 'script-image.cwasm'),
    image_sha256: digest,
  };
}

function published(name: string): { folder: string; files: { [file: string]: { sha256: string } } } | undefined {
  const manifest = join('.signet-build', name, 'manifest.json');
  if (!existsSync(manifest)) return undefined;
  const { folder, files } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    folder: string;
    files: { [file: string]: { sha256: string } };
  };
  return { folder: join('.signet-build', name, folder), files };
}
