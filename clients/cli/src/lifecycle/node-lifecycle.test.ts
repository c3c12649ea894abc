import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NodeError } from './node-error.ts';
import type { HealthState, NodeLifecycle, NodeLifecycleOptions } from './lifecycle-types.ts';
import { createNodeLifecycle } from './node-lifecycle.ts';

let home: string;
const opened: NodeLifecycle[] = [];
const servers: Server[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-lifecycle-'));
});
afterEach(async () => {
  for (const node of opened.splice(0)) await node.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(home, { recursive: true, force: true });
});

async function open(options: NodeLifecycleOptions = {}): Promise<NodeLifecycle> {
  const node = await createNodeLifecycle({ home, apiPort: 0, ...options });
  opened.push(node);
  return node;
}

/** A server of which nobody knows what it will say. */
async function odd(answer: () => { status: number; text: string } | undefined): Promise<string> {
  const server = createServer((_request, response) => {
    const given = answer();
    if (given === undefined) return;
    response.writeHead(given.status, { 'content-type': 'application/json' });
    response.end(given.text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a node that is started here', () => {
  test('serves, signs, judges, and ends with what started it', async () => {
    const states: HealthState[] = [];
    const node = await open();
    node.onHealth((state) => states.push(state));
    expect(node.stats()).toMatchObject({ processRunning: false, lastHealth: 'unknown', running: false });
    await Promise.all([node.start(), node.start()]);
    expect(node.isRunning()).toBe(true);
    expect(await node.health()).toBe('healthy');
    expect(node.apiHealthy).toBe(true);
    expect(node.uptime()).toBeGreaterThanOrEqual(0);
    expect(node.stats()).toMatchObject({ processRunning: true, running: true, lastHealth: 'healthy' });
    expect(node.stats().apiPort).toBeGreaterThan(0);

    const status = await node.status();
    expect(status).toMatchObject({ identity_initialized: true, federation_connected: false });
    expect(await node.federationStatus()).toMatchObject({ connected: false, peer_count: 0 });
    expect((await node.models()).map(({ name }) => name)).toContain('edge/signet-edge-1');
    const generated = await node.generate({ prompt: 'What is Rust? Rust is a language.' });
    expect(generated).toMatchObject({ model: 'edge/signet-edge-1', receipt: expect.stringMatching(/^[0-9a-f]{64}$/) });

    const made = await fetch(`http://127.0.0.1:${node.stats().apiPort}/api/v1/identity/generate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${(await readFile(join(home, 'owner.key'), 'utf8')).trim()}` },
    });
    const { key_id } = (await made.json()) as { key_id: string };
    const signed = (await node.sign('hello', key_id)) as { signature: string; public_key: string };
    for (const compute of ['native', 'wasm', 'none'] as const) {
      const peer = await open({ compute, baseUrl: `http://127.0.0.1:${node.stats().apiPort}` });
      const { signature, public_key } = signed;
      expect([compute, await peer.verify({ message: 'hello', signature, public_key })]).toEqual([compute, true]);
      expect([compute, await peer.verify({ message: 'hullo', signature, public_key })]).toEqual([compute, false]);
      // It started nothing, so it ends nothing.
      await peer.stop();
    }
    expect(await node.health()).toBe('healthy');

    const refused = await failureOf(node.generate({ prompt: 'x', tier: 'pool' }));
    expect(refused).toMatchObject({ kind: 'refused', status: 503, code: 'no_provider' });

    const gone = new AbortController();
    const seen: { topic: unknown; receipt: unknown }[] = [];
    const asked = { topics: ['inference.completed'], after: 0, signal: gone.signal };
    for await (const event of node.events(asked)) {
      seen.push({ topic: event['topic'], receipt: event['receipt_id'] });
      gone.abort();
    }
    expect(seen).toEqual([{ topic: 'inference.completed', receipt: generated['receipt'] }]);
    expect(await failureOf(node.events({ topics: ['nothing'] }).next())).toMatchObject({
      kind: 'refused',
      status: 400,
    });

    const pid_lives = node.isRunning();
    await Promise.all([node.stop(), node.stop()]);
    expect([pid_lives, node.isRunning(), node.uptime()]).toEqual([true, false, 0]);
    expect(await node.health()).toBe('stopped');
    expect(states).toEqual(['starting', 'healthy', 'stopped']);
    expect(await readFile(join(home, 'serve.log'), 'utf8')).toContain('Signet serves on');
    expect((await stat(join(home, 'serve.log'))).mode & 0o777).toBe(0o600);
  }, 60_000);

  test('that cannot start says where it told why, and leaves nothing running', async () => {
    await writeFile(join(home, 'signet.json'), '{"nonsense": 1}');
    const node = await open();
    const error = await failureOf(node.start());
    expect(error).toMatchObject({ kind: 'unavailable', code: 'node_not_started' });
    expect((error as NodeError).message).toContain(join(home, 'serve.log'));
    expect([node.isRunning(), node.stats().lastHealth]).toEqual([false, 'stopped']);
  }, 60_000);
});

describe('health', () => {
  test('is unknown before anybody looked, and told at changes only', async () => {
    let answer = { status: 200, text: '{"status":"healthy"}' };
    const node = await open({ baseUrl: await odd(() => answer) });
    const seen: HealthState[] = [];
    const end = node.onHealth((state) => seen.push(state));
    expect([node.stats().lastHealth, node.apiHealthy]).toEqual(['unknown', false]);
    await node.health();
    await node.health();
    answer = { status: 200, text: '{"status":"degraded"}' };
    await node.health();
    answer = { status: 503, text: '{"status":"unhealthy"}' };
    await node.health();
    answer = { status: 200, text: 'no JSON' };
    await node.health();
    answer = { status: 200, text: '{"status":"healthy"}' };
    await node.health();
    end();
    answer = { status: 500, text: '{}' };
    await node.health();
    expect(seen).toEqual(['healthy', 'degraded', 'healthy']);
  });

  test('is looked at in intervals while somebody listens', async () => {
    let asked = 0;
    const baseUrl = await odd(() => ((asked += 1), { status: 200, text: '{"status":"healthy"}' }));
    const node = await open({ baseUrl, healthIntervalMs: 5 });
    await new Promise<void>((resolve) => {
      const end = node.onHealth(() => resolve(end()));
    });
    expect(asked).toBeGreaterThan(0);
  });

  test('is unhealthy where nobody answers', async () => {
    const node = await open({ baseUrl: 'http://127.0.0.1:9' });
    expect(await node.health()).toBe('unhealthy');
    expect(node.apiHealthy).toBe(false);
  });

  test('a node that answers already is taken, and not ended', async () => {
    const node = await open({ baseUrl: await odd(() => ({ status: 200, text: '{"status":"healthy"}' })) });
    await node.start();
    expect([node.isRunning(), node.apiHealthy]).toEqual([false, true]);
    await node.stop();
    expect(await node.health()).toBe('healthy');
  });
});

describe('what is computed here', () => {
  test.each(['native', 'wasm'] as const)('%s is asked before it is believed', async (compute) => {
    const node = await open({ compute, baseUrl: 'http://127.0.0.1:9' });
    expect(node.inProcess).toEqual({ available: true, kind: compute });
    expect(await node.digest('abc')).toEqual({
      sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      blake3: '6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85',
    });
    expect(await node.scoreText('too short')).toEqual({ scored: false, reason: 'short' });
    await expect(node.verify({ message: '', signature: 'xy', public_key: '' })).rejects.toThrow(TypeError);
  });

  test('both builds give a text the same score', async () => {
    const text =
      'The cat slept on the warm windowsill while the rain fell on the garden, and nobody in the house wanted to wake her up.';
    const [native, wasm] = await Promise.all([open({ compute: 'native' }), open({ compute: 'wasm' })]);
    const score = await native.scoreText(text);
    expect(score).toEqual(await wasm.scoreText(text));
    expect(score).toMatchObject({ scored: true, snr_bp: expect.any(Number) });
  });

  test('where neither this process nor a node can, the answer is no pass', async () => {
    const node = await open({ compute: 'none', baseUrl: 'http://127.0.0.1:9' });
    expect(node.inProcess).toEqual({ available: false, kind: 'none' });
    const signed = { message: 'm', signature: 'ab'.repeat(64), public_key: 'ab'.repeat(32) };
    for (const work of [node.digest('x'), node.verify(signed), node.scoreText('x')])
      expect(await failureOf(work)).toMatchObject({ kind: 'unavailable', code: 'gate.unavailable' });
    expect(await failureOf(node.checkGates({ content: 'x' }))).toMatchObject({ kind: 'unavailable' });
  });

  test('numbers against thresholds are advice, and no number above one or none at all passes', async () => {
    const node = await open({ compute: 'none' });
    expect(node.checkSnr(0.85)).toEqual({ passed: true, advisory: true, score: 0.85, threshold: 0.85 });
    expect(node.checkIhsan(0.9499)).toMatchObject({ passed: false, advisory: true, threshold: 0.95 });
    expect(node.checkSnr(0.5, 0.4).passed).toBe(true);
    for (const score of [NaN, Infinity, 1.01]) expect(node.checkSnr(score).passed).toBe(false);
  });
});

describe('errors say what to do', () => {
  test.each([
    [
      'a problem',
      403,
      '{"code":"policy_denied","detail":"no","reason":"gate.policy","receipt":"r"}',
      { kind: 'refused', code: 'policy_denied', reason: 'gate.policy', status: 403, receipt: 'r' },
    ],
    ['an error without a code', 500, '{}', { kind: 'refused', code: 'http_500' }],
    ['no JSON', 200, '<html>', { kind: 'malformed', code: 'node_malformed' }],
  ])('%s', async (_, status, text, facts) => {
    const node = await open({ baseUrl: await odd(() => ({ status, text })), token: 'sg_x' });
    expect(await failureOf(node.status())).toMatchObject(facts);
  });
});

describe('events', () => {
  test('of a node without sockets go on after the last one when the connection breaks', async () => {
    const cursors: (string | null)[] = [];
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://x');
      if (pathname === '/api/v1/ws') {
        response.writeHead(501, { 'content-type': 'application/problem+json' });
        return response.end('{"code":"not_built"}');
      }
      const cursor = searchParams.get('cursor');
      cursors.push(cursor);
      const next = Number(cursor ?? 4) + 1;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`: beat\n\nid: ${next}\nevent: run.completed\ndata: {"seq":${next}}\n\nid: 99\nevent: run`);
      return setTimeout(() => response.destroy(), 5);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const node = await open({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'sg_x' });
    const gone = new AbortController();
    const seen: unknown[] = [];
    for await (const event of node.events({ topics: ['run.completed'], signal: gone.signal })) {
      seen.push(event['seq']);
      if (seen.length === 3) gone.abort();
    }
    expect(seen).toEqual([5, 6, 7]);
    expect(cursors.slice(0, 3)).toEqual([null, '5', '6']);
  });

  test('are an error where nobody answers, after five attempts', async () => {
    const node = await open({ baseUrl: 'http://127.0.0.1:9' });
    expect(await failureOf(node.events({ topics: ['run.completed'] }).next())).toMatchObject({ kind: 'unavailable' });
  });
});
