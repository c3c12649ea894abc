import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { manifest, openScriptWorld, toolCall, type World } from '../../../tests/fixtures/script-world.ts';
import { SignetError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { QueueUnavailableError } from '../ports/queue.ts';
import { InterpreterCrashError } from '../ports/script-host.ts';
import type { Run } from './runs.ts';

const soma = {
  name: 'soma',
  description: 'Adds a and b.',
  parameters: {
    type: 'object',
    properties: { a: { type: 'integer' }, b: { type: 'integer' } },
    required: ['a'],
    additionalProperties: false,
  },
  side_effects: 'compute',
  timeout_ms: 5000,
  idempotent: false,
  parallel: false,
} as const;

let world: World;

/** The same for scripts of this process and for those that another machine executes. */
function wherever(name: string, tests: () => void): void {
  describe.each([
    ['here', false],
    ['elsewhere', true],
  ])(`${name}, %s`, (_place, elsewhere) => {
    beforeEach(async () => {
      world = await openScriptWorld({ elsewhere });
    });
    afterEach(() => world.close());
    tests();
  });
}

async function runToEnd(script: string, more: Parameters<World['request']>[1] = {}): Promise<Run> {
  const { value } = await world.runs.create(world.call(), world.request(script, more));
  return world.runs.get(world.call(), { id: value.id, wait_ms: 20_000 });
}

async function eventsOf(id: string, after = 0): Promise<{ id: number; event: string; data: unknown }[]> {
  const found = [];
  for await (const event of await world.runs.events(world.call(), { id, after })) found.push(event);
  return found;
}

wherever('a run', () => {
  test('that the queue took no message of is there and runs all the same', async () => {
    Object.assign(world.jobs, {
      wake: () => Promise.reject(new QueueUnavailableError({ operation: 'send', retryable: true })),
    });
    world.programs.set('p', async () => 42);
    expect(await runToEnd('p')).toMatchObject({ state: 'succeeded', result: 42 });
  });

  test('ends with its result, output, receipts and a statement that counts its calls', async () => {
    world.programs.set('p', async (guest) => {
      guest.print('before\n');
      const found = await guest.call('web.search', { query: 'rust', k: 5 });
      guest.print('after\n');
      return { found, argv: guest.start.argv, input: guest.start.input };
    });
    const run = await runToEnd('p', { argv: ['x'], input: { y: 1 } });
    expect(run).toMatchObject({
      state: 'succeeded',
      exit_code: 0,
      stdout: 'before\nafter\n',
      attempt: 1,
      result: { found: [{ title: 'rust', url: 'signet:///x', snippet: '5 of rust' }], argv: ['x'], input: { y: 1 } },
    });
    expect(run.receipts).toHaveLength(3);
    const statement = world.statements[0];
    expect(statement?.predicate_type).toBe('urn:signet:run:v1');
    expect(statement?.predicate).toMatchObject({ run: run.id, exit: { code: 0 }, calls: { count: 1 } });
    expect(statement?.predicate.parents).toEqual([run.receipts[1]]);
    expect(run.receipts[2]).toBe(statement?.id);
    expect(world.judged.map(({ action }) => action)).toEqual(['runScript', 'search']);
  });

  test('tells its story in gapless events, from any point on', async () => {
    world.programs.set('p', async (guest) => {
      guest.print('a');
      await guest.call('web.search', { query: 'q', k: 1 });
      guest.print('b');
      return 7;
    });
    const run = await runToEnd('p');
    const events = await eventsOf(run.id);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ event }) => event)).toEqual(['run', 'stdout', 'stdout', 'result', 'done']);
    expect(await eventsOf(run.id, 3)).toEqual(events.slice(3));
  });

  test('events that are followed live end with done', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    world.programs.set('p', async (guest) => {
      guest.print('first');
      await released;
      return null;
    });
    const { value } = await world.runs.create(world.call(), world.request('p'));
    const seen: string[] = [];
    for await (const { event } of await world.runs.events(world.call(), { id: value.id, after: 0 })) {
      seen.push(event);
      if (event === 'stdout') release();
    }
    expect(seen).toEqual(['run', 'stdout', 'result', 'done']);
  });

  test('an uncaught error of a provider exits with 5, of policy with 7, of a limit with 6, any other with 1', async () => {
    world.answerChat = async () => {
      throw new SignetError({ code: 'provider_rate_limited', detail: 'slow down', retry_after_s: 9 });
    };
    world.programs.set('chat', (guest) => guest.call('llm.chat', { prompt: 'x', script_tools: [] }));
    world.programs.set('raise', () => Promise.reject(new Error('no')));
    expect(await runToEnd('chat')).toMatchObject({ state: 'failed', exit_code: 5, error: { type: 'RateLimited' } });
    world.denied.add('chat');
    expect(await runToEnd('chat')).toMatchObject({ exit_code: 7, error: { type: 'PolicyDenied' } });
    expect(await runToEnd('raise')).toMatchObject({ exit_code: 1 });
    world.programs.set('search', async (guest) => {
      for (;;) await guest.call('web.search', { query: 'q', k: 1 });
    });
    expect(await runToEnd('search')).toMatchObject({ exit_code: 6, error: { type: 'LimitExceeded' } });
    expect(world.judged.filter(({ action }) => action === 'search')).toHaveLength(20);
  });

  test('output is cut at a character border and says so; events have all of it', async () => {
    world.programs.set('p', async (guest) => {
      guest.print('é'.repeat(4500));
      return null;
    });
    const run = await runToEnd('p', { limits: { output_bytes: 8191 } });
    expect(Buffer.byteLength(run.stdout)).toBe(8190);
    expect(run.stdout_truncated).toBe(true);
    const events = await eventsOf(run.id);
    expect(
      events.flatMap(({ event, data }) => (event === 'stdout' ? [(data as { text: string }).text] : [])).join(''),
    ).toBe('é'.repeat(4500));
  });

  test('a result over the limit ends it with exit 6', async () => {
    world.programs.set('p', async () => 'x'.repeat(300_000));
    expect(await runToEnd('p')).toMatchObject({ state: 'failed', exit_code: 6, error: { code: 'limit_exceeded' } });
  });

  test('a script of the largest size with the worst escaping is stored and run', async () => {
    const source = `#${'\u0001'.repeat(262_143)}`;
    world.programs.set(source, async () => 1);
    expect(await runToEnd(source)).toMatchObject({ state: 'succeeded', result: 1 });
  });

  test('cancelled while it runs: upstream aborted, exit 130, and cancelling again changes nothing', async () => {
    let upstream: AbortSignal | undefined;
    let begun = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (begun = resolve));
    world.answerChat = (_request, call) => {
      upstream = call.signal;
      begun();
      return new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(new Error('aborted'))));
    };
    world.programs.set('p', (guest) => guest.call('llm.chat', { prompt: 'x', script_tools: [] }));
    const { value } = await world.runs.create(world.call(), world.request('p'));
    await waiting;
    await world.runs.cancel(world.call(), value.id);
    const run = await world.runs.get(world.call(), { id: value.id, wait_ms: 20_000 });
    expect(run).toMatchObject({ state: 'cancelled', exit_code: 130 });
    expect(upstream?.aborted).toBe(true);
    expect((await world.runs.cancel(world.call(), value.id)).value).toEqual(run);
    const cancels = world.judged.filter(({ resource }) => resource === `Script:${value.id}`);
    expect(cancels).toEqual([1, 2].map(() => ({ action: 'runScript', resource: `Script:${value.id}`, code: 'ok' })));
    world.denied.add('runScript');
    const denied = world.runs.cancel(world.call(), value.id);
    await expect(denied).rejects.toMatchObject({ public: { code: 'policy_denied' }, receipt: expect.any(String) });
  });

  test('cancelled before it started never starts', async () => {
    const idle = world.another();
    let started = false;
    world.programs.set('p', async () => {
      started = true;
      return null;
    });
    const { value } = await idle.runs.create(idle.call(), idle.request('p')).then(async (created) => {
      await idle.runs.cancel(idle.call(), created.value.id);
      return created;
    });
    const run = await world.runs.get(world.call(), { id: value.id, wait_ms: 20_000 });
    expect(run.state).toBe('cancelled');
    expect(started && run.attempt === 0).toBe(false);
  });

  test('over its wall time is timed out with exit 3', async () => {
    world.programs.set(
      'p',
      (guest) => new Promise((resolve) => guest.signal.addEventListener('abort', () => resolve(1))),
    );
    expect(await runToEnd('p', { limits: { wall_ms: 30 } })).toMatchObject({ state: 'timed_out', exit_code: 3 });
  });

  test('of a lost interpreter is tried once more, and only where nothing was changed', async () => {
    let starts = 0;
    world.programs.set('p', async () => {
      starts += 1;
      if (starts === 1) throw new InterpreterCrashError('gone');
      return starts;
    });
    expect(await runToEnd('p')).toMatchObject({ state: 'succeeded', result: 2, attempt: 2 });

    world.manifests.push(manifest('mail', { side_effects: 'write', idempotent: true }));
    world.invokeTool = async () => ({ kind: 'result', value: 'sent', truncated: false, receipt: 'r' });
    world.programs.set('effect', async (guest) => {
      await guest.call('tools.call', { name: 'mail', args: {} });
      throw new InterpreterCrashError('gone');
    });
    expect(await runToEnd('effect')).toMatchObject({ exit_code: 70, error: { code: 'interpreter_crash' }, attempt: 1 });
  });
});

wherever('refused before it exists', () => {
  test.each<[string, JsonObject, string]>([
    ['a limit over the most', { limits: { wall_ms: 840_001 } }, 'limits.wall_ms'],
    ['a limit that is no number of anything', { limits: { memory_mb: 0.5 } }, 'limits.memory_mb'],
    ['input over 256 KiB', { input: 'x'.repeat(262_143) }, 'input'],
    ['argv over 8 KiB', { argv: ['x'.repeat(8192)] }, 'argv'],
    ['two scripts', { script_ref: 'a' }, 'script'],
    ['a file name with control characters', { file_name: 'a\u001b[2J.py' }, 'file_name'],
  ])('%s', async (_name, more, param) => {
    const request = world.request('p', more);
    await expect(world.runs.create(world.call(), request)).rejects.toMatchObject({
      public: { code: 'invalid_request', param },
    });
  });

  test('nested too deep', async () => {
    await expect(world.runs.create(world.call({ depth: 4 }), world.request('p'))).rejects.toMatchObject({
      public: { code: 'invalid_request', reason: 'nesting_depth' },
    });
  });

  test('by policy, with a receipt', async () => {
    world.denied.add('runScript');
    const refused = world.runs.create(world.call(), world.request('p'));
    await expect(refused).rejects.toMatchObject({ public: { code: 'policy_denied' }, receipt: expect.any(String) });
  });

  test('a fifth run of one key while four are under way, with a receipt; a finished one makes room', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    world.programs.set('p', async () => {
      await released;
      return null;
    });
    const ids: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      ids.push((await world.runs.create(world.call(), world.request('p'))).value.id);
    }
    await expect(world.runs.create(world.call(), world.request('p'))).rejects.toMatchObject({
      public: { code: 'queue_full' },
      receipt: expect.any(String),
    });
    release();
    for (const id of ids) await world.runs.get(world.call(), { id, wait_ms: 20_000 });
    expect(await runToEnd('p')).toMatchObject({ state: 'succeeded' });
  });

  test('an unknown run, and one of another tenant, are not found', async () => {
    world.programs.set('p', async () => 1);
    const { id } = await runToEnd('p');
    const stranger = world.call({ principal: { kind: 'key', id: 'k2', tenant: 'other', scopes: [] } });
    for (const [call, asked] of [
      [world.call(), 'no-such-run'],
      [world.call(), '../x'],
      [stranger, id],
    ] as const) {
      await expect(world.runs.get(call, { id: asked })).rejects.toMatchObject({ public: { code: 'run_not_found' } });
      await expect(world.runs.cancel(call, asked)).rejects.toMatchObject({ public: { code: 'run_not_found' } });
    }
    world.denied.add('read');
    await expect(world.runs.get(world.call(), { id })).rejects.toMatchObject({ public: { code: 'policy_denied' } });
  });
});

wherever('a chat of a script', () => {
  const chat = { prompt: 'call soma', tools: true, script_tools: [soma] };

  test('runs the script tool that the model asks for and gives its result back', async () => {
    world.answerChat = async ({ messages }) => {
      const last = messages.at(-1);
      return last?.role === 'tool'
        ? { text: `soma = ${JSON.stringify(last.content)}` }
        : { tool_calls: [toolCall('soma', { a: 12, b: 30 })] };
    };
    world.programs.set('p', async (guest) => {
      guest.tools.set('soma', ({ a, b }) => Number(a) + Number(b));
      return guest.call('llm.chat', chat);
    });
    const run = await runToEnd('p');
    expect(run.result).toMatchObject({
      text: 'soma = "42"',
      finish_reason: 'stop',
      usage: { in: 14, out: 10 },
      tool_calls: [{ name: 'soma', args: { a: 12, b: 30 }, result: 42 }],
      model: 'test/model',
    });
    expect(world.judged.map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      expect.stringMatching(/^runScript Script:/),
      'chat Model:auto',
      'callTool Tool:script:soma',
      'chat Model:auto',
    ]);
    const events = await eventsOf(run.id);
    expect(events.filter(({ event }) => event.startsWith('tool_')).map(({ data }) => data)).toMatchObject([
      { name: 'soma', args: { a: 12, b: 30 } },
      { name: 'soma', ok: true, value: 42 },
    ]);
    expect(run.receipts).toHaveLength(5);
  });

  test('shows tools of the registry that ran inside the chat, with their receipts', async () => {
    const args = { query: 'x' };
    world.answerChat = async () => ({
      text: 'found',
      server_calls: [
        {
          name: 'web.search',
          args,
          outcome: { kind: 'result', value: ['y'.repeat(9000)], truncated: false, receipt: 'r-1' },
        },
        { name: 'nothing', args, outcome: { kind: 'failure', error: { type: 'tool_not_found', message: 'no' } } },
      ],
    });
    world.programs.set('p', (guest) => guest.call('llm.chat', { prompt: 'x', script_tools: [] }));
    const run = await runToEnd('p');
    const error = { type: 'tool_not_found', message: 'no' };
    expect(run.result).toMatchObject({
      tool_calls: [
        { name: 'web.search', args, result: expect.stringMatching(/^\["y+… \(cut\)$/), receipt: 'r-1' },
        { name: 'nothing', args, error },
      ],
    });
    expect(run.receipts[1]).toBe('r-1');
    expect(run.receipts).toHaveLength(4);
    const told = (await eventsOf(run.id)).filter(({ event }) => event.startsWith('tool_'));
    expect(told.map(({ event, data }) => [event, data])).toMatchObject([
      ['tool_call', { name: 'web.search', args }],
      ['tool_result', { name: 'web.search', ok: true }],
      ['tool_call', { name: 'nothing', args }],
      ['tool_result', { name: 'nothing', ok: false, error }],
    ]);
  });

  test('of more calls than one transaction takes tells all of them in order', async () => {
    const outcome = { kind: 'result', value: 1, truncated: false, receipt: 'r' } as const;
    const server_calls = Array.from({ length: 70 }, (_, args) => ({ name: 'count', args, outcome }));
    world.answerChat = async () => ({ text: 'done', server_calls });
    world.programs.set('p', (guest) => guest.call('llm.chat', { prompt: 'x', script_tools: [] }));
    const events = await eventsOf((await runToEnd('p')).id);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    const calls = events.filter(({ event }) => event === 'tool_call');
    expect(calls.map(({ data }) => (data as { args: number }).args)).toEqual(server_calls.map(({ args }) => args));
  });

  test('tells the interpreter what names are taken, as they were at the first attempt', async () => {
    world.manifests.push(manifest('web.search'));
    const seen: unknown[] = [];
    world.programs.set('p', async (guest) => {
      seen.push(guest.start.registry_tools);
      world.manifests.push(manifest('late'));
      if (seen.length === 1) throw new InterpreterCrashError('gone');
      return 1;
    });
    expect(await runToEnd('p')).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(seen).toEqual([['web.search'], ['web.search']]);
  });

  test("may use the script's own tool where the registry has it too", async () => {
    const digest = createHash('sha256').update('p', 'utf8').digest('hex');
    world.manifests.push(manifest('soma', { target: { kind: 'script', digest, tool: 'soma' } }));
    world.programs.set('p', async (guest) => {
      await guest.call('llm.chat', chat);
      return [...(guest.start.registry_tools ?? [])];
    });
    expect(await runToEnd('p')).toMatchObject({ state: 'succeeded', result: [] });
  });

  test('tells the model of arguments that do not fit, of a tool that raised and of one that is not there', async () => {
    const turns = [
      toolCall('soma', { a: '12' }),
      toolCall('soma', 'not json'),
      toolCall('nothing', {}),
      toolCall('soma', { a: 1 }),
    ];
    const read: string[] = [];
    world.answerChat = async ({ messages }) => {
      const last = messages.at(-1);
      if (last?.role === 'tool') read.push(last.content as string);
      const next = turns.shift();
      return next === undefined ? { text: 'done' } : { tool_calls: [next] };
    };
    world.programs.set('p', async (guest) => {
      guest.tools.set('soma', () => {
        throw new Error('cannot add');
      });
      return guest.call('llm.chat', chat);
    });
    expect(await runToEnd('p')).toMatchObject({ state: 'succeeded', result: { text: 'done' } });
    expect(read.map((text) => (JSON.parse(text) as { error: { type: string } }).error.type)).toEqual([
      'invalid_arguments',
      'invalid_arguments',
      'tool_not_found',
      'execution_error',
    ]);
  });

  test('strict raises the failure instead', async () => {
    world.answerChat = async () => ({ tool_calls: [toolCall('soma', { a: '12' })] });
    world.programs.set('p', (guest) => guest.call('llm.chat', { ...chat, strict: true }));
    expect(await runToEnd('p')).toMatchObject({ state: 'failed', error: { type: 'InvalidArguments' } });
  });

  test('a tool that policy refuses is told to the model and leaves its receipt', async () => {
    world.denied.add('callTool');
    world.answerChat = async ({ messages }) =>
      messages.at(-1)?.role === 'tool'
        ? { text: messages.at(-1)?.content as string }
        : { tool_calls: [toolCall('soma', { a: 1 })] };
    world.programs.set('p', (guest) => guest.call('llm.chat', chat));
    const run = await runToEnd('p');
    expect((run.result as JsonObject).text).toContain('policy_denied');
    expect(world.judged).toContainEqual({ action: 'callTool', resource: 'Tool:script:soma', code: 'policy_denied' });
  });

  test('ends at its steps with finish_reason length, and a call asked a third time is a limit', async () => {
    world.answerChat = async () => ({ text: 'again', tool_calls: [toolCall('soma', { a: 1 })] });
    let runs = 0;
    world.programs.set('p', async (guest) => {
      guest.tools.set('soma', () => (runs += 1));
      return guest.call('llm.chat', { ...chat, max_steps: 5 });
    });
    expect((await runToEnd('p')).result).toMatchObject({ text: 'again', finish_reason: 'length' });
    expect(world.chats).toHaveLength(5);
    expect(runs).toBe(2);
  });

  test('offers no tool with tools=False, the named ones else, and refuses to shadow the registry', async () => {
    world.manifests.push(manifest('web.search'), manifest('taken'));
    world.programs.set('p', async (guest) => {
      await guest.call('llm.chat', { ...chat, tools: false });
      await guest.call('llm.chat', { ...chat, tools: ['soma', 'web.search'] });
      await guest.call('llm.chat', { ...chat, tools: ['web.search'] });
      return guest.call('llm.chat', { ...chat, script_tools: [{ ...soma, name: 'taken' }] });
    });
    expect(await runToEnd('p')).toMatchObject({ error: { type: 'InvalidArguments', code: 'tool_exists' } });
    expect(world.chats.map(({ tools, signet }) => [tools?.map((tool) => tool.function.name), signet?.tools])).toEqual([
      [undefined, undefined],
      [['soma'], ['web.search']],
      [undefined, ['web.search']],
    ]);
  });

  test('stops after 50 model calls', async () => {
    world.programs.set('p', async (guest) => {
      for (;;) await guest.call('llm.chat', { prompt: 'x', script_tools: [] });
    });
    expect(await runToEnd('p')).toMatchObject({ exit_code: 6, error: { type: 'LimitExceeded' } });
    expect(world.chats).toHaveLength(50);
  });

  test('two runs at a time do not mix', async () => {
    world.answerChat = async ({ messages }) =>
      messages.at(-1)?.role === 'tool'
        ? { text: messages.at(-1)?.content as string }
        : { tool_calls: [toolCall('soma', { a: 1 })] };
    for (const name of ['one', 'two']) {
      world.programs.set(name, async (guest) => {
        guest.tools.set('soma', () => name);
        guest.print(name);
        return guest.call('llm.chat', chat);
      });
    }
    const runs = await Promise.all(['one', 'two', 'one', 'two'].map((name) => runToEnd(name)));
    expect(runs.map(({ stdout, result }) => [stdout, (result as JsonObject).text])).toEqual(
      ['one', 'two', 'one', 'two'].map((name) => [name, `"${name}"`]),
    );
  });
});

wherever('tools.call and embed', () => {
  test('calls a script tool before the registry, and the registry by its road', async () => {
    world.invokeTool = async (name, args) =>
      name === 'double'
        ? { kind: 'result', value: Number((args as JsonObject).n) * 2, truncated: false, receipt: 'r-double' }
        : { kind: 'failure', error: { type: 'tool_not_found', message: `no tool \`${name}\`` } };
    world.programs.set('p', async (guest) => {
      guest.tools.set('soma', ({ a }) => Number(a) + 1);
      const own = await guest.call('tools.call', { name: 'soma', args: { a: 1 }, script_tools: [soma] });
      const registered = await guest.call('tools.call', { name: 'double', args: { n: 21 }, script_tools: [soma] });
      const embedded = await guest.call('embed', { texts: ['a', 'b'], input_type: 'query' });
      const wrong = await guest.frame({
        method: 'tools.call',
        args: { name: 'soma', args: { a: 'x' }, script_tools: [soma] },
      });
      const missing = await guest.frame({ method: 'tools.call', args: { name: 'absent', args: {} } });
      return [own, registered, embedded, wrong, missing] as never;
    });
    const run = await runToEnd('p');
    expect(run.result).toMatchObject([
      2,
      42,
      {
        vectors: [
          [0.5, -0.25],
          [0.5, -0.25],
        ],
        dimension: 2,
        tokens: 6,
      },
      { kind: 'error', error: { type: 'InvalidArguments' } },
      { kind: 'error', error: { type: 'ToolNotFound' } },
    ]);
    expect(run.receipts).toContain('r-double');
  });
});

wherever('a script as the target of a tool', () => {
  test('runs the tool of the stored script and answers its value', async () => {
    world.programs.set('s', async (guest) => {
      guest.tools.set('twice', ({ n }) => Number(n) * 2);
      return null;
    });
    const { value } = await world.scripts.put(world.call(), { name: 'doubler', source: 's' });
    const request = { digest: value.digest, tool: 'twice', args: { n: 4 }, timeout_ms: 5000 };
    expect(await world.runs.runScriptTool(world.call(), request)).toBe(8);
    await expect(world.runs.runScriptTool(world.call(), { ...request, tool: 'none' })).rejects.toMatchObject({
      public: { reason: 'tool.raised' },
    });
    await expect(world.runs.runScriptTool(world.call(), { ...request, digest: 'a'.repeat(64) })).rejects.toMatchObject({
      public: { code: 'script_not_found' },
    });
  });

  test('is a tool_timeout when it does not end in time', async () => {
    world.programs.set(
      's',
      (guest) => new Promise((resolve) => guest.signal.addEventListener('abort', () => resolve(1))),
    );
    const { value } = await world.scripts.put(world.call(), { name: 'slow', source: 's' });
    const request = { digest: value.digest, tool: 't', args: {}, timeout_ms: 30 };
    await expect(world.runs.runScriptTool(world.call(), request)).rejects.toMatchObject({
      public: { code: 'tool_timeout' },
    });
  });
});
