import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readSettings } from '../../functions/assembly/read-settings.ts';
import { startNode, type StartedNode } from '../../functions/assembly/start-node.ts';
import type { Run } from '../../functions/domain/runs/runs.ts';
import { build_folder, describeWithBuilt, repository } from '../fixtures/built-parts.ts';

const whenBuilt = describeWithBuilt('native', 'script-image');

interface Caller {
  readonly url: string;
  readonly key: string;
}

async function send(
  { url, key }: Caller,
  path: string,
  body?: object,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${key}`,
      accept: 'application/json',
      'content-type': 'application/json',
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}

async function ended(caller: Caller, id: string): Promise<Run> {
  for (;;) {
    const run = await json<Run>(await send(caller, `/api/v1/runs/${id}?wait_ms=20000`));
    if (run.ended_at !== undefined) return run;
  }
}

interface Told {
  readonly id: number;
  readonly event: string;
  readonly data: { readonly text?: string };
}

/** Server-sent events as they come; leaving the loop closes the connection. */
async function* eventsOf(caller: Caller, path: string, headers: Record<string, string> = {}): AsyncGenerator<Told> {
  const response = await send(caller, path, undefined, { headers });
  expect(response.status).toBe(200);
  yield* told(response);
}

async function* told(response: Response): AsyncGenerator<Told> {
  let text = '';
  for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += piece;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      if (field('event') === undefined) continue;
      yield { id: Number(field('id')), event: field('event') ?? '', data: JSON.parse(field('data') ?? 'null') };
    }
  }
}

async function all(events: AsyncIterable<Told>): Promise<readonly Told[]> {
  const list: Told[] = [];
  for await (const one of events) list.push(one);
  return list;
}

whenBuilt('runs of a node', () => {
  let home: string;
  let node: StartedNode;
  let caller: Caller;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'signet-runs-'));
    const environment = { SIGNET_HOME: home, SIGNET_PORT: '0', SIGNET_LOG: 'error' };
    const settings = await readSettings({ environment, overrides: {} });
    node = await startNode({ settings, environment, build_folder, repository, tell: () => undefined });
    await node.node.artefacts.look();
    caller = { url: node.url, key: (await readFile(join(home, 'owner.key'), 'utf8')).trim() };
  }, 60_000);
  afterAll(async () => {
    await node.stop();
    await rm(home, { recursive: true });
  });

  const run = async (script: string, more: object = {}): Promise<Run> => {
    const created = await json<Run>(await send(caller, '/api/v1/runs', { script, ...more }));
    return created.ended_at === undefined ? ended(caller, created.id) : created;
  };
  const startAsync = async (script: string, more: object = {}): Promise<Run> =>
    json<Run>(await send(caller, '/api/v1/runs', { script, mode: 'async', ...more }));

  test('sync: the result, and a receipt for run and end', async () => {
    const response = await send(caller, '/api/v1/runs', { script: 'print("hi")\n20 + 22' });
    expect(response.status).toBe(200);
    const ran = await json<Run>(response);
    expect(ran).toMatchObject({ state: 'succeeded', exit_code: 0, result: 42, stdout: 'hi\n' });
    expect(response.headers.get('signet-receipt')).toBe(ran.receipts.at(-1));
    for (const id of ran.receipts) expect((await send(caller, `/api/v1/receipts/${id}`)).status).toBe(200);
  });

  test('async: 202 and where it is; its events, whole and from any point on', async () => {
    const response = await send(caller, '/api/v1/runs', { script: 'print("a")\n7', mode: 'async' });
    expect(response.status).toBe(202);
    const where = response.headers.get('location') ?? '';
    const { id } = await json<Run>(response);
    expect(where).toBe(`/api/v1/runs/${id}`);
    expect(await ended(caller, id)).toMatchObject({ state: 'succeeded', result: 7 });
    const events = await all(eventsOf(caller, `${where}/events`));
    expect(events.map(({ event }) => event)).toEqual(['run', 'stdout', 'result', 'done']);
    expect(events.map((one) => one.id)).toEqual([1, 2, 3, 4]);
    const rest = await all(eventsOf(caller, `${where}/events`, { 'last-event-id': '2' }));
    expect(rest).toEqual(events.slice(2));
  });

  test('stream: events in the answer itself', async () => {
    const response = await send(caller, '/api/v1/runs', { script: 'print("a")\n7', mode: 'stream' });
    const events = await all(told(response));
    expect(events.map(({ event }) => event)).toEqual(['run', 'stdout', 'result', 'done']);
  });

  test('a run that is cancelled while it spins ends with 130', async () => {
    const { id } = await startAsync('print("on")\nwhile True: pass');
    for await (const { event } of eventsOf(caller, `/api/v1/runs/${id}/events`)) if (event === 'stdout') break;
    expect((await send(caller, `/api/v1/runs/${id}/cancel`, {})).status).toBe(200);
    expect(await ended(caller, id)).toMatchObject({ state: 'cancelled', exit_code: 130, stdout: 'on\n' });
  });

  test('limits hold: wall, memory, output', async () => {
    const spin = 'while True:\n    try:\n        while True: pass\n    except BaseException: pass';
    const wall = await run(spin, { limits: { wall_ms: 1000 } });
    expect(wall).toMatchObject({ state: 'timed_out', exit_code: 3 });
    const memory = await run('x = bytearray(400 << 20)', { limits: { memory_mb: 128 } });
    expect(memory).toMatchObject({ state: 'failed', exit_code: 6, error: { type: 'MemoryError' } });
    const output = await run('print("é" * 4608, end="")');
    expect(Buffer.byteLength(output.stdout)).toBe(8192);
    expect(output.stdout_truncated).toBe(true);
    let text = '';
    for await (const { event, data } of eventsOf(caller, `/api/v1/runs/${output.id}/events`)) {
      if (event === 'stdout') text += data.text;
    }
    expect(text).toBe('é'.repeat(4608));
  }, 60_000);

  test('a stored script by name; its tool in the registry, called by a chat and by a script', async () => {
    const source = 'from hyper_core import tool\n@tool\ndef soma(a: int, b: int):\n    return a + b\n"kept"';
    const put = await send(caller, '/api/v1/scripts/sums', { source }, { method: 'PUT' });
    const { digest } = await json<{ digest: string }>(put);
    const by_name = await json<Run>(await send(caller, '/api/v1/runs', { script_ref: 'sums' }));
    expect(by_name).toMatchObject({ state: 'succeeded', result: 'kept' });

    const integer = { type: 'integer' };
    const manifest = {
      description: 'Adds a and b.',
      parameters: { type: 'object', properties: { a: integer, b: integer }, required: ['a', 'b'] },
      side_effects: 'compute',
      target: { kind: 'script', digest, tool: 'soma' },
    };
    expect((await send(caller, '/api/v1/tools/soma', manifest, { method: 'PUT' })).ok).toBe(true);
    const chat = await send(caller, '/v1/chat/completions', {
      model: 'auto',
      messages: [{ role: 'user', content: 'Call the tool soma with a=12 and b=30' }],
      signet: { tools: ['soma'] },
    });
    const { choices } = await json<{ choices: { message: { content: string } }[] }>(chat);
    expect(choices[0]?.message.content).toContain('42');

    const asks = 'from hyper_core import llm\nllm.complete("Call the tool soma with a=12 and b=30").tool_calls';
    const asked = await run(asks, { tools: ['soma'] });
    expect(asked).toMatchObject({ state: 'succeeded', result: [{ name: 'soma', args: { a: 12, b: 30 }, result: 42 }] });
    const [{ receipt }] = asked.result as unknown as [{ receipt: string }];
    expect(asked.receipts).toHaveLength(4);
    expect(asked.receipts[1]).toBe(receipt);

    const shadows = await run('from hyper_core import tool\n@tool\ndef soma(args):\n    return 1');
    expect(shadows).toMatchObject({ state: 'failed', exit_code: 1, error: { type: 'ValueError' } });
    expect((await send(caller, '/api/v1/tools/soma', undefined, { method: 'DELETE' })).ok).toBe(true);
  }, 60_000);

  test('a fifth run of a key while four are under way is refused', async () => {
    const waits = 'print("on")\nwhile True: pass';
    const four = await Promise.all([1, 2, 3, 4].map(() => startAsync(waits)));
    const fifth = await send(caller, '/api/v1/runs', { script: '1' });
    expect(fifth.status).toBe(429);
    expect(await json(fifth)).toMatchObject({ code: 'queue_full' });
    for (const { id } of four) await send(caller, `/api/v1/runs/${id}/cancel`, {});
    for (const { id } of four) expect(await ended(caller, id)).toMatchObject({ state: 'cancelled' });
    expect(await run('1')).toMatchObject({ state: 'succeeded' });
  });

  test('the channel takes no key, no made-up token and none of another run', async () => {
    const { id } = await startAsync('while True: pass');
    const frame = { seq: 1, method: 'web.search', args: { query: 'x', k: 1 } };
    const forged = `${Buffer.from('default').toString('base64url')}.1.${'A'.repeat(43)}`;
    for (const key of [caller.key, 'wrong', forged]) {
      expect((await send({ ...caller, key }, `/api/v1/runs/${id}/calls`, frame)).status).toBe(401);
    }
    await send(caller, `/api/v1/runs/${id}/cancel`, {});
    await ended(caller, id);
  });

  test('a sandbox that is killed under a run is replaced, and the run tried again', async () => {
    const { id } = await startAsync('import time\nprint("on")\ntime.sleep(2)\n"whole"');
    for await (const { event } of eventsOf(caller, `/api/v1/runs/${id}/events`)) if (event === 'stdout') break;
    const { sandbox } = await json<{ sandbox: { pids: number[] } }>(await send(caller, '/api/v1/status'));
    expect(sandbox.pids).toHaveLength(1);
    for (const pid of sandbox.pids) process.kill(pid, 'SIGKILL');
    expect(await ended(caller, id)).toMatchObject({ state: 'succeeded', result: 'whole', attempt: 2, stdout: 'on\n' });
  }, 30_000);
});

whenBuilt('a node that is killed', () => {
  let home: string;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'signet-killed-'));
  });
  afterAll(async () => {
    for (const child of children) await kill(child);
    await rm(home, { recursive: true });
  });

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async function serve(): Promise<{ child: ChildProcess; caller: Caller }> {
    const child = spawn(process.execPath, [join(repository, 'clients', 'cli', 'bin', 'signet.mjs'), 'serve'], {
      env: { PATH: process.env['PATH'], SIGNET_HOME: home, SIGNET_PORT: '0', SIGNET_LOG: 'error' },
      stdio: 'ignore',
    });
    children.push(child);
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the node ended with ${child.exitCode}`);
      const facts = await readFile(join(home, 'lock'), 'utf8').then(JSON.parse, () => ({}));
      const url = `http://127.0.0.1:${facts.port}`;
      if (facts.pid === child.pid && facts.port > 0) {
        const key = (await readFile(join(home, 'owner.key'), 'utf8')).trim();
        const status = await send({ url, key }, '/api/v1/status').then(
          (answer) => json<{ compute?: { run?: { served_by: string } } }>(answer),
          () => ({ compute: undefined }),
        );
        if (status.compute?.run?.served_by === 'native') return { child, caller: { url, key } };
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  test('goes on with its run after the start, and asks nothing twice', async () => {
    const first = await serve();
    const script =
      'from hyper_core import llm, web\nimport time\nweb.search("receipts")\nllm.chat("hello")\n' +
      'print("middle")\ntime.sleep(5)\nllm.chat("goodbye")\n"end"';
    const body = { script, mode: 'async' };
    const { id } = await json<Run>(await send(first.caller, '/api/v1/runs', body));
    for await (const { event } of eventsOf(first.caller, `/api/v1/runs/${id}/events`)) if (event === 'stdout') break;
    const before = await json<Run>(await send(first.caller, `/api/v1/runs/${id}`));
    expect(before.receipts).toHaveLength(3);
    await kill(first.child);

    const { child, caller } = await serve();
    const after = await ended(caller, id);
    expect(after).toMatchObject({ state: 'succeeded', result: 'end', attempt: 2, stdout: 'middle\n' });
    expect(after.receipts.slice(0, 3)).toEqual(before.receipts);
    expect(after.receipts).toHaveLength(5);
    const events = await all(eventsOf(caller, `/api/v1/runs/${id}/events`));
    expect(events.map((one) => one.id)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ event }) => event === 'stdout')).toHaveLength(1);
    await kill(child);
  }, 120_000);
});
