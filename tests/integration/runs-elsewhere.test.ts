import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readSettings } from '../../functions/assembly/read-settings.ts';
import { startNode, type StartedNode } from '../../functions/assembly/start-node.ts';
import type { Run } from '../../functions/domain/runs/runs.ts';
import { build_folder, describeWithBuilt, repository } from '../fixtures/built-parts.ts';
import { sandboxMachine, type SandboxMachine } from '../fixtures/sandbox-machine.ts';
import { fakeUpstream, type FakeUpstream } from '../upstream/fake-upstream.ts';

/** Scripts in real sandboxes that know the node by its HTTP alone: what may happen between the two machines. */

const whenBuilt = describeWithBuilt('native', 'script-image');

whenBuilt('a run on another machine', () => {
  let home: string;
  let upstream: FakeUpstream;
  let machine: SandboxMachine;
  let node: StartedNode;
  let key: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'signet-elsewhere-'));
    upstream = await fakeUpstream();
    const environment = {
      SIGNET_HOME: home,
      SIGNET_PORT: '0',
      SIGNET_LOG: 'error',
      OPENAI_BASE_URL: upstream.base_url,
    };
    const settings = await readSettings({ environment, overrides: {} });
    machine = sandboxMachine({ url: () => node.url, build_folder });
    const tell = (): void => undefined;
    node = await startNode({ settings, environment, build_folder, repository, tell, remoteScripts: machine });
    await node.node.artefacts.look();
    key = (await readFile(join(home, 'owner.key'), 'utf8')).trim();
  }, 60_000);
  afterAll(async () => {
    await machine.close();
    await node.stop();
    await upstream.close();
    await rm(home, { recursive: true });
  });

  async function ask<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(`${node.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await response.json()) as T;
  }

  const begin = (script: string, more: object = {}) =>
    ask<Run>('/api/v1/runs', { script, model: 'openai/fake-1', mode: 'async', ...more });

  async function ended({ id }: { id: string }): Promise<Run> {
    for (;;) {
      const run = await ask<Run>(`/api/v1/runs/${id}?wait_ms=20000`);
      if (run.ended_at !== undefined) return run;
    }
  }

  /** Texts of the run's output as they come; leaving the loop closes the connection. */
  async function* printed({ id }: { id: string }): AsyncGenerator<string> {
    const response = await fetch(`${node.url}/api/v1/runs/${id}/events`, {
      headers: { authorization: `Bearer ${key}` },
    });
    let text = '';
    for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      text += piece;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, event, data] = /event: (\w+)\ndata: (.*)$/m.exec(text.slice(0, end)) ?? [];
        text = text.slice(end + 2);
        if (event === 'stdout') yield (JSON.parse(data ?? '{}') as { text: string }).text;
      }
    }
  }

  test('tells what it prints while it goes on, all of it and once', async () => {
    const run = await begin('import time\nfor n in range(3):\n    print(n, "é" * 3000)\n    time.sleep(0.6)\n"end"');
    const seen: string[] = [];
    let state = '';
    for await (const text of printed(run)) {
      if (seen.length === 0) ({ state } = await ask<Run>(`/api/v1/runs/${run.id}`));
      seen.push(text);
    }
    expect(state).toBe('running');
    expect(seen.join('')).toBe([0, 1, 2].map((n) => `${n} ${'é'.repeat(3000)}\n`).join(''));
    expect(await ended(run)).toMatchObject({ state: 'succeeded', result: 'end', attempt: 1 });
  });

  test.each([
    ['spins', 'print("on")\nwhile True: pass'],
    ['sleeps', 'import time\nprint("on")\ntime.sleep(60)'],
  ])('that %s is cancelled, and keeps what it printed', async (_what, script) => {
    const run = await begin(script);
    for await (const _text of printed(run)) break;
    await ask(`/api/v1/runs/${run.id}/cancel`, {});
    expect(await ended(run)).toMatchObject({ state: 'cancelled', exit_code: 130, stdout: 'on\n', attempt: 1 });
  });

  test('that waits for a model is cancelled, and the request upstream with it', async () => {
    upstream.plan('timeout');
    const asked = upstream.requests.length;
    const run = await begin('from hyper_core import llm\nprint("on")\nllm.chat("hello")');
    while (upstream.requests.length === asked) await new Promise((resolve) => setTimeout(resolve, 20));
    await ask(`/api/v1/runs/${run.id}/cancel`, {});
    expect(await ended(run)).toMatchObject({ state: 'cancelled', exit_code: 130, stdout: 'on\n' });
    expect(await upstream.requests.at(-1)?.closed).toEqual({ ended: false });
  });

  test('whose machine is switched off in the middle of a call goes on on another one, and asks nothing twice', async () => {
    const asked = upstream.requests.length;
    upstream.plan({ text: 'first' }, 'timeout', { text: 'second' });
    const script = 'from hyper_core import llm\nprint("on")\n[llm.chat("a"), llm.chat("b")]';
    const run = await begin(script, { limits: { wall_ms: 2000 } });
    while (upstream.requests.length < asked + 2) await new Promise((resolve) => setTimeout(resolve, 20));
    machine.last()?.relay.kill();
    const after = await ended(run);
    expect(after).toMatchObject({ state: 'succeeded', result: ['first', 'second'], attempt: 2, stdout: 'on\n' });
    expect(upstream.requests.slice(asked).map(({ body }) => JSON.stringify(body).includes('"b"'))).toEqual([
      false,
      true,
      true,
    ]);
    const texts: string[] = [];
    for await (const text of printed(run)) texts.push(text);
    expect(texts.join('')).toBe('on\n');
  }, 120_000);

  test('that was announced twice is executed by one machine', async () => {
    const outcomes: Promise<'completed' | 'gone'>[] = [];
    const launch = machine.launch.bind(machine);
    const twice: SandboxMachine['launch'] = async (announced) => {
      for (let count = 0; count < 2; count += 1) {
        await launch(announced);
        const last = machine.last();
        if (last !== undefined) outcomes.push(last.outcome);
      }
    };
    Object.assign(machine, { launch: twice });
    try {
      const asked = upstream.requests.length;
      const run = await begin('from hyper_core import llm\nllm.chat("once")');
      expect(await ended(run)).toMatchObject({ state: 'succeeded', attempt: 1 });
      expect((await Promise.all(outcomes)).toSorted()).toEqual(['completed', 'gone']);
      expect(upstream.requests).toHaveLength(asked + 1);
    } finally {
      Object.assign(machine, { launch });
    }
  });
});
