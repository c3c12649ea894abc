import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { federationKey } from '../../functions/domain/federation/keys.ts';
import { lockKey } from '../../functions/domain/ledger/keys.ts';
import { commitLock, readLock } from '../../functions/domain/ledger/lock-row.ts';
import { openLogIdentity } from '../../functions/domain/ledger/log-identity.ts';
import { writeAsked } from '../../functions/domain/witness/asked-row.ts';
import { dueKey } from '../../functions/domain/jobs/keys.ts';
import { nodeKey } from '../../functions/domain/identity/keys.ts';
import { readMetrics } from '../../functions/domain/metrics/testing/read-metrics.ts';
import { foreignWitness } from '../fixtures/foreign-log.ts';
import { liveNode, type Instance, type LiveNode } from '../fixtures/live-node.ts';
import { fakeUpstream, type FakeUpstream } from '../upstream/fake-upstream.ts';

// Each field of these routes is measured, read from the store, or absent. So each test changes the state behind a field
// and sees the field change: a handler that answered a literal would fail here.

let upstream: FakeUpstream;
let live: LiveNode;
let one: Instance;
let other: Instance;
beforeAll(async () => {
  upstream = await fakeUpstream();
  live = await liveNode({ base_url: upstream.base_url });
  one = live.open();
  other = live.open();
});
afterAll(async () => {
  await live.close();
  await upstream.close();
});
beforeEach(() => {
  live.clock.now += 60_000;
});

type Fields = { readonly [name: string]: unknown };
const get = async (path: string, instance = one): Promise<Fields> => (await instance.ask(path)).json;
const chat = (more: object = {}) =>
  one.ask('/v1/chat/completions', { body: { model: 'auto', messages: [{ role: 'user', content: 'hello' }], ...more } });
const metric = async (name: string, instance = one): Promise<number | undefined> =>
  readMetrics((await instance.ask('/metrics')).text, 'plain').get(name);

describe('GET /api/v1/status', () => {
  test('counts requests by the store: two instances agree, whoever served', async () => {
    const before = (await get('/api/v1/status'))['total_requests'] as number;
    await chat();
    await chat({ stream: true });
    await one.ask('/v1/chat/completions', { body: { model: 'auto' } });
    await one.node.counts.flush();
    expect((await get('/api/v1/status'))['total_requests']).toBe(before + 3);
    expect((await get('/api/v1/status', other))['total_requests']).toBe(before + 3);
    live.clock.now += 60_000;
    expect((await get('/api/v1/status', live.open()))['total_requests']).toBe(before + 3);
  });

  test('is ready while a provider answered a probe less than a minute ago', async () => {
    expect((await get('/api/v1/status'))['inference_ready']).toBe(true);
    const broken = live.open({ providers: () => [] });
    expect((await get('/api/v1/status', broken))['inference_ready']).toBe(false);
    const down = await fakeUpstream();
    const alone = await liveNode({ base_url: down.base_url });
    const instance = alone.open();
    expect((await get('/api/v1/status', instance))['inference_ready']).toBe(true);
    await down.close();
    alone.clock.now += 59_999;
    expect((await get('/api/v1/status', instance))['inference_ready']).toBe(false);
    await alone.close();
  });

  test('the built-in rules make no node ready', async () => {
    const alone = await liveNode();
    expect((await get('/api/v1/status', alone.open()))['inference_ready']).toBe(false);
    await alone.close();
  });

  test('tells the time since this instance opened, under both names', async () => {
    const fresh = live.open();
    live.clock.now += 5_999;
    const status = await get('/api/v1/status', fresh);
    expect([status['uptime_secs'], status['uptime_seconds']]).toEqual([5, 5]);
  });

  test('says whose identity the store has', async () => {
    expect(await get('/api/v1/status')).toMatchObject({
      identity_initialized: true,
      node_id: live.test.identity.node_id,
      con: live.test.identity.con,
      constitution_version: live.test.identity.constitution_version,
    });
    const row = await live.test.table.get(nodeKey(), live.clock.now);
    await live.test.table.write({ kind: 'put', key: nodeKey(), item: { node_id: 'did:key:zOther' } }, live.clock.now);
    expect((await get('/api/v1/status'))['identity_initialized']).toBe(false);
    await live.test.table.write({ kind: 'put', key: nodeKey(), item: row ?? {} }, live.clock.now);
  });

  test('counts the entries of the log', async () => {
    const entries = async (): Promise<number> => {
      const { pending, size = 0 } = (await get('/api/v1/status'))['ledger'] as { pending: number; size?: number };
      return pending + size;
    };
    const before = await entries();
    await chat();
    expect(await entries()).toBe(before + 1);
  });

  test('names the providers that are configured now', async () => {
    const names = ((await get('/api/v1/status'))['providers'] as readonly Fields[]).map(({ name }) => name);
    expect(names).toEqual(['fake', 'edge']);
    expect((await get('/api/v1/status', live.open({ providers: () => [] })))['providers']).toEqual([]);
  });

  test('tells what serves a capability and why another does not', async () => {
    const { compute } = (await get('/api/v1/status')) as { compute: { [name: string]: Fields } };
    expect(compute['digest']).toEqual({ served_by: 'wasm' });
    expect(compute['embed']).toEqual({ served_by: 'unavailable', reason: 'not built' });
  });
});

describe('GET /api/v1/health', () => {
  test('says to strangers the status and version, to a key of the node what was checked', async () => {
    const open = await one.ask('/api/v1/health', { key: null });
    expect(Object.keys(open.json)).toEqual(['status', 'version']);
    const told = await get('/api/v1/health');
    expect(told).toMatchObject({ status: 'healthy', build: { node: process.version } });
    expect((told['checks'] as readonly Fields[]).map(({ name }) => name)).toEqual([
      'table',
      'signing',
      'objects',
      'digest',
    ]);
    expect(live.clock.now - (told['checked_at'] as number)).toBeLessThan(10_000);
  });

  test('a key without `node:read` is told no more than a stranger, one that is none is refused', async () => {
    const made = await one.ask('/api/v1/api-keys', { body: { label: 'ci', scopes: ['chat'] } });
    const key = (made.json as Fields)['token'] as string;
    expect(Object.keys((await one.ask('/api/v1/health', { key })).json)).toEqual(['status', 'version']);
    expect((await one.ask('/api/v1/health', { key: 'sg_nothing' })).status).toBe(401);
  });

  test('is degraded or unhealthy as the part behind it breaks, and well again after it', async () => {
    const broken = { table: false, objects: false };
    const fail = (name: keyof typeof broken) => {
      if (broken[name]) throw new Error('broken');
    };
    const instance = live.open({
      table: { ...live.test.table, get: async (key, now) => (fail('table'), live.test.table.get(key, now)) },
      objects: { ...live.test.objects, head: async (key) => (fail('objects'), live.test.objects.head(key)) },
    });
    const state = async (): Promise<unknown> => {
      live.clock.now += 10_000;
      const { status, json } = await instance.ask('/api/v1/health', { key: null });
      return [status, (json as Fields)['status']];
    };
    expect(await state()).toEqual([200, 'healthy']);
    broken.objects = true;
    expect(await state()).toEqual([200, 'degraded']);
    broken.table = true;
    expect(await state()).toEqual([503, 'unhealthy']);
    broken.table = broken.objects = false;
    expect(await state()).toEqual([200, 'healthy']);
  });
});

describe('GET /metrics', () => {
  test('is one text under two paths, in the form that the scraper asks for', async () => {
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5';
    for (const path of ['/metrics', '/api/v1/metrics']) {
      const asked = await one.ask(path, { headers: { accept } });
      expect(asked.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
      expect(readMetrics(asked.text, 'openmetrics').size).toBeGreaterThan(5);
      const plain = await one.ask(path);
      expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(readMetrics(plain.text, 'plain').get('signet_snr_threshold_ratio')).toBe(0.85);
    }
    expect(await metric('signet_ihsan_threshold_ratio')).toBe(0.95);
  });

  test('counts what was decided and what was turned away, the same on two instances', async () => {
    const answered = 'signet_requests_total{action="chat",code="ok"}';
    const strangers = 'signet_requests_total{action="none",code="unauthenticated"}';
    const tokens = 'signet_tokens_total{provider="fake",kind="out"}';
    await one.node.counts.flush();
    const [before, turned, spent] = [await metric(answered), await metric(strangers), await metric(tokens)];
    await chat();
    await one.ask('/v1/models', { key: null });
    await one.node.counts.flush();
    expect(await metric(answered)).toBe((before ?? 0) + 1);
    expect(await metric(strangers)).toBe((turned ?? 0) + 1);
    expect(await metric(tokens)).toBeGreaterThan(spent ?? 0);
    const lines = async (instance: Instance) =>
      (await instance.ask('/metrics')).text.split('\n').filter((line) => !line.startsWith('signet_uptime'));
    expect(await lines(other)).toEqual(await lines(one));
  });

  test('counts refusals by their code', async () => {
    const made = await one.ask('/api/v1/api-keys', { body: { label: 'ci', scopes: ['models:read'] } });
    const key = (made.json as Fields)['token'] as string;
    const refused = 'signet_refusals_total{code="policy_denied"}';
    const before = (await metric(refused)) ?? 0;
    expect((await one.ask('/v1/chat/completions', { key, body: { model: 'auto', messages: [] } })).status).toBe(403);
    expect(await metric(refused)).toBe(before + 1);
  });

  test('no series has a text of a user, a key or an id', async () => {
    const secret = 'zebra-crossing-9';
    await chat({ messages: [{ role: 'user', content: secret }], user: secret });
    const { text } = await one.ask('/metrics');
    const { node_id, con } = live.test.identity;
    for (const hidden of [secret, live.owner_key, live.owner_key.slice(3, 20), node_id, con])
      expect(text).not.toContain(hidden);
  });

  test('what has no source is absent', async () => {
    const { text } = await one.ask('/metrics');
    for (const name of ['cost_nanousd', 'breaker_state', 'kms_throttles', 'ws_connections', 'duration_seconds'])
      expect(text).not.toContain(name);
  });

  test('a process that stays times its answers, and the first after them sees it', async () => {
    const staying = live.open({ holds_sockets: true });
    const timed = 'signet_request_duration_seconds_count{action="chat"}';
    expect(await metric(timed, staying)).toBeUndefined();
    await staying.ask('/v1/chat/completions', { body: { model: 'auto', messages: [{ role: 'user', content: 'hi' }] } });
    expect(await metric(timed, staying)).toBe(1);
    await staying.ask('/v1/chat/completions', { key: null, body: {} });
    expect(await metric(timed, staying)).toBe(2);
    expect(await metric('signet_request_duration_seconds_count{action="none"}', staying)).toBeGreaterThanOrEqual(2);
  });

  test('tells for how long a job is overdue', async () => {
    const oldest = 'signet_queue_oldest_seconds{queue="jobs"}';
    const before = (await metric(oldest)) ?? 0;
    const key = dueKey('forgotten', live.clock.now - (before + 7) * 1000);
    await live.test.table.write({ kind: 'put', key, item: {} }, live.clock.now);
    expect(await metric(oldest)).toBe(before + 7);
    expect(await metric(oldest, other)).toBe(before + 7);
    await live.test.table.write({ kind: 'delete', key }, live.clock.now);
    expect(await metric(oldest)).toBe(before);
  });
});

describe('federation', () => {
  test('claims no connection, peer, round or vote that is not stored', async () => {
    expect(await get('/api/v1/federation/status')).toEqual({
      connected: false,
      node_id: live.test.identity.node_id,
      peer_count: 0,
      gossip_round: 0,
      consensus_height: 0,
      pattern_count: 0,
      peers: 0,
      witnesses: [],
    });
    expect(await get('/api/v1/federation/peers')).toEqual({ peers: [] });
    const item = { members: 2, gossip_round: 3, consensus_height: 4, pattern_count: 5 };
    await live.test.table.write({ kind: 'put', key: federationKey(), item }, live.clock.now);
    expect(await get('/api/v1/federation/status')).toMatchObject({
      connected: true,
      gossip_round: 3,
      consensus_height: 4,
      pattern_count: 5,
    });
    expect((await get('/api/v1/status'))['federation_connected']).toBe(true);
    await live.test.table.write({ kind: 'delete', key: federationKey() }, live.clock.now);
    expect((await get('/api/v1/status'))['federation_connected']).toBe(false);
  });

  test('a witness of ours shows what is stored of it', async () => {
    const { vkey, name } = foreignWitness();
    const { test: node, clock } = live;
    const log_identity = await openLogIdentity({ ...node, digest: node.compute.digest });
    const settings = () => ({ logs: new Map(), witnesses: [{ url: 'https://w.example', vkey }] });
    const client = { addCheckpoint: () => Promise.reject(new Error('nobody is asked')) };
    const witnessing = { settings, client, has_keys: true };
    const witnessed = live.open({ log_identity, witnessing });
    const read = (path: string) => get(path, witnessed);
    expect(await read('/api/v1/federation/status')).toMatchObject({ witnesses: [{ name }], peer_count: 1 });
    expect(await read('/api/v1/federation/peers')).toEqual({
      peers: [{ node_id: name, address: 'https://w.example', state: 'unknown', role: 'witness' }],
    });

    const rows = { table: node.table, now: () => clock.now };
    const last_cosigned = Math.floor(clock.now / 1000) - 10;
    await writeAsked(rows, vkey, { size: 7, last_cosigned, failures: 0, next_at: 0 });
    expect(await read('/api/v1/federation/status')).toMatchObject({ witnesses: [{ name, last_cosigned }] });
    expect(await read('/api/v1/federation/peers')).toMatchObject({
      peers: [{ state: 'alive', last_seen: last_cosigned }],
    });
    expect((await witnessed.ask('/api/v1/metrics')).text).toContain(
      `signet_witness_lag_entries{witness="${name}"} 0\n`,
    );

    await writeAsked(rows, vkey, { size: 0, last_cosigned: last_cosigned - 90_000, failures: 9, next_at: 0 });
    await commitLock(rows, {
      before: await readLock(rows),
      next: { ...(await readLock(rows)), size: 12, committed_at: 1 },
    });
    expect(await read('/api/v1/federation/peers')).toMatchObject({ peers: [{ state: 'suspect' }] });
    expect((await witnessed.ask('/api/v1/metrics')).text).toContain(
      `signet_witness_lag_entries{witness="${name}"} 12\n`,
    );
    await node.table.write({ kind: 'delete', key: lockKey() }, clock.now);
  });

  test('a proposal is 501 `feature.off`, whatever its confidence says', async () => {
    const body = { pattern_id: 'p', pattern_embedding: [], source_node: 'n', confidence: 1 };
    const { status, json } = await one.ask('/api/v1/federation/propose', { body });
    expect([status, json]).toEqual([501, expect.objectContaining({ code: 'not_built', reason: 'feature.off' })]);
  });
});
