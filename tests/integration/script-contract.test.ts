import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import limitsFile from '@signet/shared/limits.json' with { type: 'json' };
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readSettings } from '../../functions/assembly/read-settings.ts';
import { startNode, type StartedNode } from '../../functions/assembly/start-node.ts';
import type { Run } from '../../functions/domain/runs/runs.ts';
import { build_folder, describeWithBuilt, repository } from '../fixtures/built-parts.ts';
import { sandboxMachine, type SandboxMachine } from '../fixtures/sandbox-machine.ts';
import { fakeUpstream, type FakeReply, type FakeUpstream, type Fault } from '../upstream/fake-upstream.ts';

/** What a script may rely on: small scripts through a whole node, each with how it ends. */

const whenBuilt = describeWithBuilt('native', 'script-image');

interface Row {
  readonly name: string;
  readonly script: string;
  readonly more?: object;
  /** What the model answers, in order. */
  readonly model?: readonly (Fault | FakeReply)[];
  readonly ends: object;
}

const failed = (exit_code: number, error: object, more: object = {}) => ({
  state: 'failed',
  exit_code,
  error,
  ...more,
});
const succeeded = (more: object) => ({ state: 'succeeded', exit_code: 0, ...more });
const text = (part: string): unknown => expect.stringContaining(part);
const asks = (name: string, args: string): FakeReply => ({ tool_calls: [{ name, arguments: args }] });
const library = 'from hyper_core import *\n';
const soma = `${library}@tool\ndef soma(a: int, b: int = 1):\n    "Adds."\n    return a + b\n`;

const python: readonly Row[] = [
  {
    name: 'a trailing expression is the result',
    script: 'x = 3\nx * 2',
    ends: succeeded({ result: 6, result_type: 'int' }),
  },
  {
    name: 'a result that is no JSON is its repr',
    script: '{1}',
    ends: succeeded({ result: '{1}', result_type: 'set' }),
  },
  { name: 'an integer beyond 2**53 is its repr', script: '2**64', ends: succeeded({ result: '18446744073709551616' }) },
  { name: 'NaN is its repr', script: 'float("nan")', ends: succeeded({ result: 'nan', result_type: 'float' }) },
  {
    name: '`set_result` wins over the trailing expression',
    script: `${library}set_result([run.argv, run.input])\n5`,
    more: { argv: ['a', 'é'], input: { k: '😀' } },
    ends: succeeded({ result: [['a', 'é'], { k: '😀' }] }),
  },
  { name: '`sys.exit()` succeeds', script: 'import sys\nprint("a")\nsys.exit()', ends: succeeded({ stdout: 'a\n' }) },
  {
    name: '`sys.exit` with text prints it',
    script: 'import sys\nsys.exit("bad")',
    ends: failed(1, { type: 'SystemExit', line: 2 }, { stderr: 'bad\n' }),
  },
  {
    name: 'who asks to end gets no traceback',
    script: 'import sys\nsys.exit(3)',
    ends: failed(1, expect.not.objectContaining({ traceback: expect.anything() })),
  },
  {
    name: 'a huge exit status is no violation',
    script: 'import sys\nsys.exit(10**30)',
    ends: failed(1, { type: 'SystemExit' }),
  },
  {
    name: 'an uncaught exception names its line',
    script: 'a = 1\n\n1 / 0',
    ends: failed(1, { type: 'ZeroDivisionError', line: 3 }),
  },
  {
    name: 'a cause is in the traceback, frames of the library are not',
    script: `${library}@tool\ndef f():\n    1 / 0\ncall_tool("f")`,
    ends: failed(1, { type: 'ToolError', line: 5, traceback: expect.not.stringMatching(/_channel|_tools/) }),
  },
  {
    name: 'a long message leaves room for the frames',
    script: 'raise ValueError("x" * 100000)',
    ends: failed(1, { type: 'ValueError', traceback: text('line 1, in <module>') }),
  },
  { name: 'a syntax error names its line', script: 'x = 1\ny = (', ends: failed(1, { type: 'SyntaxError', line: 2 }) },
  { name: 'a byte order mark is no syntax error', script: '\ufeffprint("x")', ends: succeeded({ stdout: 'x\n' }) },
  {
    name: 'output is cut at a character',
    script: 'print("€" * 3072)',
    ends: succeeded({ stdout: '€'.repeat(2730), stdout_truncated: true }),
  },
  {
    name: 'exit handlers run',
    script: 'import atexit\natexit.register(print, "bye")',
    ends: succeeded({ stdout: 'bye\n' }),
  },
  {
    name: '`help` and `doctest` work',
    script: 'import doctest\nhelp(len)',
    ends: succeeded({ stdout: text('len(obj, /)') }),
  },
  {
    name: '`asyncio` waits and gathers',
    script:
      'import asyncio\nasync def f(i):\n    await asyncio.sleep(0.01)\n    return i\nasync def main():\n' +
      '    return await asyncio.gather(*map(f, range(3)))\nasyncio.run(main())',
    ends: succeeded({ result: [0, 1, 2] }),
  },
  {
    name: '`urllib` hears that there is no network',
    script:
      'import urllib.request\nfor url in ("http://a.example", "https://a.example"):\n    try:\n' +
      '        urllib.request.urlopen(url)\n    except OSError as error:\n        print("has no network" in str(error))',
    ends: succeeded({ stdout: 'True\nTrue\n' }),
  },
  {
    name: 'sockets are refused',
    script: 'import socket\nsocket.socket()',
    ends: failed(1, { type: 'PermissionError', message: text('no network') }),
  },
  { name: 'files are absent', script: 'open("/etc/passwd")', ends: failed(1, { type: 'FileNotFoundError' }) },
  {
    name: 'threads do not start',
    script: 'import threading\nthreading.Thread(target=print).start()',
    ends: failed(1, { type: 'RuntimeError' }),
  },
  {
    name: 'patched builtins are the script’s own, its library goes on',
    script: `import builtins\nbuiltins.len = lambda _: 42\nbuiltins.isinstance = None\n${library}web.search("receipt")\nlen([])`,
    ends: succeeded({ result: 42 }),
  },
  { name: 'and unseen by the next run', script: 'len([])', ends: succeeded({ result: 0 }) },
  {
    name: 'a broken interpreter is the script’s failure',
    script: 'import json\njson.dumps = None\n3',
    ends: failed(1, { type: 'RuntimeError', message: text('changed Python') }),
  },
];

const limits: readonly Row[] = [
  {
    name: 'an endless loop that catches everything',
    script: 'while True:\n    try:\n        while True: pass\n    except BaseException: pass',
    more: { limits: { wall_ms: 300 } },
    ends: { state: 'timed_out', exit_code: 3 },
  },
  {
    name: 'a regular expression',
    script: 'import re\nre.match("(a+)+$", "a" * 40 + "b")',
    more: { limits: { wall_ms: 300 } },
    ends: { state: 'timed_out', exit_code: 3 },
  },
  {
    name: 'a power of integers',
    script: 'len(str(9 ** 9 ** 8))',
    more: { limits: { wall_ms: 300 } },
    ends: { state: 'timed_out', exit_code: 3 },
  },
  {
    name: 'memory, uncaught',
    script: 'a = []\nwhile True: a.append(bytearray(10**6))',
    ends: failed(6, { type: 'MemoryError' }),
  },
  {
    name: 'memory, caught',
    script: 'try: bytearray(2**31 - 10)\nexcept MemoryError: x = 5\nx',
    ends: succeeded({ result: 5 }),
  },
  { name: 'a result of 300 KB', script: '"x" * 300000', ends: failed(6, { type: 'LimitExceeded' }) },
  {
    name: 'recursion in Python',
    script: 'def f(n): return f(n + 1)\nf(0)',
    ends: failed(1, { type: 'RecursionError' }),
  },
  ...[
    ['JSON', 'import json\njson.loads("[" * 100000)'],
    ['a comparison', 'a = []\na.append(a)\nb = []\nb.append(b)\na == b'],
    ['a parser', `x = ${'1+'.repeat(50_000)}1`],
  ].map(([what = '', script = '']) => ({
    name: `recursion in C raises, it does not trap: ${what}`,
    script,
    ends: failed(1, { type: 'RecursionError' }),
  })),
  {
    name: 'a deep structure is taken down',
    script: 'for n in (10000, 50000):\n    a = []\n    for _ in range(n): a = [a]\n    del a\n5',
    ends: succeeded({ result: 5 }),
  },
  {
    name: 'host calls',
    script: `${library}n = 0\ntry:\n    while True:\n        web.search("x")\n        n += 1\nexcept LimitExceeded: pass\nn`,
    more: { limits: { host_calls: 3 } },
    ends: succeeded({ result: 3 }),
  },
  {
    name: 'arguments and results of half a frame and more',
    script: `${library}@tool\ndef f(x): return x * 2\nlen(call_tool("f", {"x": "y" * 450000}))`,
    ends: succeeded({ result: 900_000 }),
  },
  {
    name: 'a tool result beyond a frame',
    script: `${library}@tool\ndef f(): return "z" * 1100000\ncall_tool("f")`,
    ends: failed(6, { type: 'LimitExceeded', message: text('1100002 bytes') }),
  },
  {
    name: 'a forged frame',
    script: 'import wit_world\nwit_world.call("llm.chat", "[]")',
    ends: failed(4, { type: 'SandboxViolation' }),
  },
];

const refusedTool = (definition: string, type: string, message: string): Row => ({
  name: `@tool refuses: ${message}`,
  script: `${library}${definition}`,
  ends: failed(1, { type, message: text(message) }),
});

const tools: readonly Row[] = [
  {
    name: 'forms of annotations become a schema and come back as values',
    script: `${library}from dataclasses import dataclass
from enum import Enum
from typing import *
import hyper_core._tools as registered
class Colour(Enum):
    RED = "red"
class Point(TypedDict, total=False):
    x: Required[int]
@dataclass
class Line:
    ends: list[str]
    colour: Colour = Colour.RED
@tool
def f(p: Point, l: Line, o: Optional[int] = None, k: Literal["a", 1] = "a", t: Annotated[str, "a text"] = "t"):
    """Draws.

    Args:
        p: the point
    """
    return [p["x"], l.colour is Colour.RED, l.ends, o, k]
(registered.manifests()[0]["parameters"]["properties"], call_tool("f", {"p": {"x": 1}, "l": {"ends": ["e"]}, "k": 1}))`,
    ends: succeeded({
      result: [
        {
          p: {
            type: 'object',
            properties: { x: { type: 'integer' } },
            additionalProperties: false,
            required: ['x'],
            description: 'the point',
          },
          l: {
            type: 'object',
            properties: { ends: { type: 'array', items: { type: 'string' } }, colour: { enum: ['red'] } },
            additionalProperties: false,
            required: ['ends'],
          },
          o: { type: ['integer', 'null'], default: null },
          k: { enum: ['a', 1], default: 'a' },
          t: { type: 'string', description: 'a text', default: 't' },
        },
        [1, true, ['e'], null, 1],
      ],
    }),
  },
  {
    name: 'a name that only a type checker knows leaves the other types',
    script: `${library}import hyper_core._tools as registered\n@tool\ndef f(a: "Unknown", b: "int" = 2): pass\nregistered.manifests()[0]["parameters"]["properties"]`,
    ends: succeeded({ result: { a: {}, b: { type: 'integer', default: 2 } } }),
  },
  refusedTool('@tool\nasync def f(): pass', 'TypeError', 'is async'),
  refusedTool('@tool\ndef f(*a): pass', 'TypeError', '`*a`'),
  refusedTool('@tool\ndef f(**a): pass', 'TypeError', '`**a`'),
  refusedTool('class A:\n    @tool\n    def f(self): pass', 'TypeError', 'takes `self`'),
  refusedTool('@tool("vectors.query")\ndef f(): pass', 'ValueError', 'tool of the registry'),
  refusedTool('@tool("a.b")\ndef f(): pass\n@tool("a__b")\ndef g(): pass', 'ValueError', 'one name to a model'),
  refusedTool('@tool(description="x" * 5000)\ndef f(): pass', 'ValueError', '4096 characters'),
  {
    name: 'unknown tools and wrong arguments are exceptions of two kinds',
    script: `${soma}for name, args in (("none", {}), ("soma", {"a": "12"}), ("vectors.query", {})):\n    try: call_tool(name, args)\n    except (KeyError, ValueError) as error: print(type(error).__name__, error.code)`,
    ends: succeeded({
      stdout: 'ToolNotFound tool_not_found\nInvalidArguments invalid_arguments\nInvalidArguments invalid_arguments\n',
    }),
  },
  {
    name: 'registry tools answer',
    script: `${library}len(call_tool("web.search", {"query": "receipt", "k": 2}))`,
    ends: succeeded({ result: 2 }),
  },
];

const models: readonly Row[] = [
  {
    name: 'a wrong argument is told to the model and the run goes on',
    script: `${soma}answer = llm.complete("q")\n[answer.text, answer.usage["in"], answer.tool_calls]`,
    model: [asks('soma', '{"a":"12"}'), asks('soma', '{"a":12}'), { text: 'done' }],
    ends: succeeded({
      result: [
        'done',
        33,
        [
          { name: 'soma', args: { a: '12' }, error: { type: 'invalid_arguments', message: '`/a` must be integer' } },
          { name: 'soma', args: { a: 12 }, result: 13 },
        ],
      ],
    }),
  },
  {
    name: 'a tool that fails is told to the model',
    script: `${library}@tool\ndef f(): raise ValueError("boo")\nllm.complete("q").tool_calls`,
    model: [asks('f', '{}'), { text: 'x' }],
    ends: succeeded({
      result: [{ name: 'f', args: {}, error: { type: 'execution_error', message: 'ValueError: boo' } }],
    }),
  },
  {
    name: 'a tool that returns too much is told to the model',
    script: `${library}@tool\ndef f(): return "z" * 1100000\nllm.complete("q").tool_calls[0]["error"]["type"]`,
    model: [asks('f', '{}'), { text: 'x' }],
    ends: succeeded({ result: 'limit_exceeded' }),
  },
  {
    name: 'a tool that takes too long is told to the model',
    script: `${library}@tool(timeout=0.1)\ndef f():\n    while True: pass\nllm.complete("q").tool_calls[0]["error"]["type"]`,
    model: [asks('f', '{}'), { text: 'x' }],
    ends: succeeded({ result: 'timeout' }),
  },
  {
    name: '`strict` raises it, with its cause',
    script: `${library}@tool\ndef f(): raise ValueError("boo")\ntry: llm.chat("q", strict=True)\nexcept ToolError as error: x = repr(error.__cause__)\nx`,
    model: [asks('f', '{}')],
    ends: succeeded({ result: "ValueError('boo')" }),
  },
  {
    name: 'a chat that ends at its limit without text is no empty string',
    script: `${soma}llm.chat("q", max_steps=2)`,
    model: [asks('soma', '{"a":1}'), asks('soma', '{"a":2}')],
    ends: failed(6, { type: 'LimitExceeded', code: 'limit_exceeded' }),
  },
  {
    name: 'functions name tools as well as texts do',
    script: `${soma}@tool\ndef other(): pass\nllm.complete("q", tools=[soma]).tool_calls`,
    model: [asks('other', '{}'), { text: 'x' }],
    ends: succeeded({
      result: [{ name: 'other', args: {}, error: { type: 'tool_not_found', message: 'no tool `other` was offered' } }],
    }),
  },
  {
    name: '429 for ever, caught',
    script: `${library}try: llm.chat("q")\nexcept RateLimited as error: x = [error.retry_after, error.code, error.retryable, len(error.receipt), error.status, error.provider]\nx`,
    model: ['429'],
    ends: succeeded({ result: [77, 'provider_rate_limited', true, 64, 429, 'openai'] }),
  },
  {
    name: '429 for ever, uncaught',
    script: `${library}llm.chat("q")`,
    model: ['429'],
    ends: failed(5, { type: 'RateLimited' }),
  },
  {
    name: 'a key that the provider refuses',
    script: `${library}try: llm.chat("q")\nexcept LLMError as error: print(error.status, error.provider)\nllm.chat("q")`,
    model: ['401', '401'],
    ends: failed(5, { type: 'LLMError', code: 'provider_auth' }, { stdout: '401 openai\n' }),
  },
  {
    name: 'an unknown model',
    script: `${library}llm.chat("q", model="none/x")`,
    ends: failed(5, { type: 'LLMError', code: 'model_not_found' }),
  },
];

whenBuilt.each(['of this node', 'on another machine'] as const)('a script, in the sandbox %s', (place) => {
  let home: string;
  let machine: SandboxMachine | undefined;
  let upstream: FakeUpstream;
  let node: StartedNode;
  let key: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'signet-scripts-'));
    upstream = await fakeUpstream({ retry_after: '77' });
    const environment = {
      SIGNET_HOME: home,
      SIGNET_PORT: '0',
      SIGNET_LOG: 'error',
      OPENAI_BASE_URL: upstream.base_url,
    };
    const settings = await readSettings({ environment, overrides: {} });
    machine = place === 'on another machine' ? sandboxMachine({ url: () => node.url, build_folder }) : undefined;
    node = await startNode({
      settings,
      environment,
      build_folder,
      repository,
      tell: () => undefined,
      ...(machine === undefined ? {} : { remoteScripts: machine }),
    });
    await node.node.artefacts.look();
    key = (await readFile(join(home, 'owner.key'), 'utf8')).trim();
  }, 60_000);
  afterAll(async () => {
    await machine?.close();
    await node.stop();
    await upstream.close();
    await rm(home, { recursive: true });
  });
  const run = async (script: string, more: object = {}): Promise<Run> => {
    const response = await fetch(`${node.url}/api/v1/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ script, ...more }),
    });
    return (await response.json()) as Run;
  };
  const check = async ({ script, more, model = [], ends }: Row): Promise<void> => {
    upstream.plan(...model);
    expect(await run(script, { model: 'openai/fake-1', ...more })).toMatchObject(ends);
  };

  describe('of plain Python', () => test.each(python)('$name', check));
  describe('at its limits', () => test.each(limits)('$name', check));
  describe('with tools', () => test.each(tools)('$name', check));
  describe('with a model', () => test.each(models)('$name', check));

  test.each(['soma.py', 'soma-pt.py'])('the example %s quotes what was found, then calls its tool', async (file) => {
    const script = await readFile(join(repository, 'examples', file), 'utf8');
    const ended = await run(script, { tier: 'edge' });
    expect(ended).toMatchObject({ state: 'succeeded', exit_code: 0 });
    const lines = ended.stdout.trimEnd().split('\n');
    expect(lines.pop()).toBe('soma = 42');
    // Word for word, whichever passages the search ranks first today.
    const documentation = await ownDocumentation();
    expect(lines.filter((line) => documentation.includes(line))).not.toEqual([]);
    expect(ended.stdout).not.toContain('://');
    // Run, search, model, tool, model, end.
    expect(ended.receipts).toHaveLength(6);
  });

  test('ten at once by one key: at least as many as it may have end well, the others are told to wait', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, (_, n) => run(`import time\ntime.sleep(0.3)\n${n}`)));
    const ended = all.filter(({ state }) => state === 'succeeded').length;
    const refused = all.filter((one) => (one as unknown as { code?: string }).code === 'queue_full').length;
    expect(ended + refused).toBe(10);
    expect(ended).toBeGreaterThanOrEqual(limitsFile.runs.per_key);
  });
});

/** What the search looks into, its lines joined. */
async function ownDocumentation(): Promise<string> {
  const names = (await readdir(join(repository, 'docs'))).filter((name) => name.endsWith('.md'));
  const files = ['README.md', 'ARCHITECTURE.md', ...names.map((name) => join('docs', name))];
  const texts = await Promise.all(files.map((file) => readFile(join(repository, file), 'utf8')));
  return texts.join('\n').replaceAll(/\s+/g, ' ');
}
