import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { probeKey } from '../../functions/domain/inference/keys.ts';
import { countEntries } from '../../functions/domain/metrics/count-entries.ts';
import { edgeProvider } from '../../functions/adapters/edge-model/edge-provider.ts';
import type { ChatProvider, ModelInfo, Tier } from '../../functions/domain/ports/provider.ts';
import { liveNode, type Instance, type LiveNode } from '../fixtures/live-node.ts';
import { fakeUpstream, type FakeUpstream } from '../upstream/fake-upstream.ts';

let upstream: FakeUpstream;
let live: LiveNode;
let node: Instance;
beforeAll(async () => {
  upstream = await fakeUpstream();
  live = await liveNode({ base_url: upstream.base_url });
  node = live.open();
});
afterAll(async () => {
  await live.close();
  await upstream.close();
});
beforeEach(() => {
  live.clock.now += 600_000;
});

type Fields = { readonly [name: string]: unknown };
const generate = (body: object, headers = {}) =>
  node.ask('/api/v1/inference/generate', { body: { prompt: 'hello', ...body }, headers });

/** A provider whose clock is the test's: each answer takes `ms`. */
function timed(name: string, tier: Tier, speed: { ms: number }): ChatProvider {
  const model: ModelInfo = {
    id: `${name}/m`,
    provider: name,
    tier,
    capabilities: ['chat', 'stream'],
    owned_by: name,
    context_tokens: 4_096,
  };
  return {
    name,
    tier,
    models: async () => [model],
    async probe() {
      live.clock.now += speed.ms;
      return ['m'];
    },
    async *chat() {
      live.clock.now += speed.ms;
      yield { choices: [{ index: 0, text: `by ${name}` }] };
      yield { choices: [{ index: 0, finish_reason: 'stop' }] };
      yield { choices: [], usage: { in: 3, out: 10 } };
    },
  };
}

describe('POST /api/v1/inference/generate', () => {
  test('answers with what was measured, and leaves the receipt of a chat', async () => {
    upstream.plan({ text: 'a short answer' });
    const { status, json, headers } = await generate({});
    expect(status).toBe(200);
    expect(json).toMatchObject({
      text: 'a short answer',
      model: 'fake/fake-1',
      tier: 'local',
      finish_reason: 'stop',
      route: [
        { model: 'fake/fake-1', tier: 'local' },
        { tier: 'edge', reason: 'rules_pose_as_model' },
      ],
    });
    expect((json as Fields)['request_id']).toBe(headers.get('x-request-id'));
    expect(headers.get('signet-route')).toBe('fake/fake-1');
    const receipt = await live.test.receipts.get(headers.get('signet-receipt') ?? '', 'default');
    expect(receipt).toBeDefined();
    expect(json).not.toHaveProperty('cost_nanousd');
  });

  test('asks the model for what the request says, 512 tokens at 0.7 where it says nothing', async () => {
    await generate({ system: 'be brief' });
    expect(upstream.requests.at(-1)?.body).toMatchObject({
      max_tokens: 512,
      temperature: 0.7,
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'hello' },
      ],
    });
    await generate({ max_tokens: 9, temperature: 0 });
    expect(upstream.requests.at(-1)?.body).toMatchObject({ max_tokens: 9, temperature: 0 });
  });

  test('counts tokens and time: the speed is theirs', async () => {
    const slow = live.open({ providers: () => [timed('a', 'pool', { ms: 250 })] });
    const { json } = await slow.ask('/api/v1/inference/generate', { body: { prompt: 'x' } });
    expect(json).toMatchObject({ prompt_tokens: 3, completion_tokens: 10, duration_ms: 250, tokens_per_second: 40 });
  });

  test.each([
    ['edge', 'edge'],
    ['nano', 'edge'],
    ['local', 'local'],
    ['medium', 'local'],
    ['auto', 'local'],
  ])('tier `%s` is answered by `%s`', async (asked, tier) => {
    expect((await generate({ tier: asked })).json).toMatchObject({ tier });
  });

  test.each(['pool', 'large'])('tier `%s`, which nobody serves, is 503 and no text of ours', async (tier) => {
    const { status, json } = await generate({ tier });
    expect([status, (json as Fields)['code']]).toEqual([503, 'no_provider']);
    expect(json).not.toHaveProperty('text');
  });

  test.each([
    [{ tier: 'huge' }, 'tier'],
    [{ prompt: '' }, 'prompt'],
    [{ prompt: 'x'.repeat(200_001) }, 'prompt'],
    [{ system: 'x'.repeat(20_001) }, 'system'],
    [{ temperature: 2.1 }, 'temperature'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ deadline_ms: 99 }, 'deadline_ms'],
    [{ deadline_ms: 120_001 }, 'deadline_ms'],
    [{ model: 'x' }, 'model'],
  ])('refuses what does not fit: %#', async (body, param) => {
    const { status, json } = await generate(body);
    expect([status, (json as Fields)['param']]).toEqual([400, param]);
  });

  test.each([false, true])('its own deadline ends it with 504 (stream: %s)', async (stream) => {
    upstream.plan('timeout');
    const { status, json, headers } = await generate({ deadline_ms: 100, stream });
    expect([status, (json as Fields)['code']]).toEqual([504, 'provider_timeout']);
    expect(json).toMatchObject({ receipt: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(headers.get('content-type')).toContain('problem+json');
  });

  test('streams text as it comes and what was measured at the end', async () => {
    upstream.plan({ text: 'one two three' });
    const { headers, text } = await generate({ stream: true });
    expect(headers.get('content-type')).toContain('text/event-stream');
    const events = text
      .split('\n\n')
      .map((block) => /^event: (\w+)\ndata: (.*)$/.exec(block))
      .flatMap((found) => (found === null ? [] : [{ name: found[1], data: JSON.parse(found[2] ?? '') as Fields }]));
    const said = events.filter(({ name }) => name === 'text').map(({ data }) => data['text']);
    expect(said.join('')).toBe('one two three');
    expect(events.at(-1)).toMatchObject({
      name: 'done',
      data: { request_id: headers.get('x-request-id'), model: 'fake/fake-1', tier: 'local', finish_reason: 'stop' },
    });
    const outcome = events.at(-1)?.data['receipt'] as string;
    expect(outcome).not.toBe(headers.get('signet-receipt'));
    expect(await live.test.receipts.get(outcome, 'default')).toBeDefined();
  });

  test('a stream that breaks ends in an error and no `done`', async () => {
    upstream.plan('truncate');
    const { text } = await generate({ stream: true });
    expect(text).toContain('event: error\n');
    expect(text).not.toContain('event: done\n');
  });

  test('`idempotency-key` repeats the stored answer and asks no model again', async () => {
    const chats = () => upstream.requests.filter(({ path }) => path.endsWith('/chat/completions')).length;
    const asked = chats();
    const headers = { 'idempotency-key': 'once' };
    const first = await generate({}, headers);
    const second = await generate({}, headers);
    expect(second.text).toBe(first.text);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(chats()).toBe(asked + 1);
    expect((await generate({ max_tokens: 1 }, headers)).status).toBe(422);
  });
});

describe('GET /api/v1/inference/models', () => {
  const models = async (instance = node, query = ''): Promise<readonly Fields[]> =>
    ((await instance.ask(`/api/v1/inference/models${query}`)).json as { models: readonly Fields[] }).models;

  test('tells by a probe whether a model is there, and when that was', async () => {
    const [edge, fake] = await models();
    expect(edge).toMatchObject({ name: 'edge/signet-edge-1', tier: 'edge', provider: 'edge', available: true });
    expect(fake).toMatchObject({ name: 'fake/fake-1', tier: 'local', provider: 'fake', available: true });
    expect(live.clock.now - (fake?.['probed_at'] as number)).toBeLessThan(300_000);
    for (const unknown of ['parameters', 'context_length', 'price']) expect(fake).not.toHaveProperty(unknown);
    const timedModels = await models(live.open({ providers: () => [timed('a', 'pool', { ms: 1 })] }));
    expect(timedModels).toMatchObject([{ name: 'a/m', context_length: 4_096, available: true }]);
  });

  test('asks again before five minutes are over, and then says that a server is gone', async () => {
    const server = await fakeUpstream();
    const alone = await liveNode({ base_url: server.base_url });
    const instance = alone.open();
    const available = async () => (await models(instance, '?tier=local'))[0]?.['available'];
    expect(await available()).toBe(true);
    const asked = server.requests.length;
    alone.clock.now += 100_000;
    expect(await available()).toBe(true);
    expect(server.requests.length).toBe(asked);
    await server.close();
    alone.clock.now += 150_000;
    expect(await available()).toBe(false);
    await alone.close();
  });

  test('what one instance found, another one knows', async () => {
    await models();
    const asked = upstream.requests.length;
    expect((await models(live.open(), '?tier=local'))[0]?.['available']).toBe(true);
    expect(upstream.requests.length).toBe(asked);
    const item = { provider: 'fake', tier: 'local', answered: true, at: live.clock.now, ms: 1, models: ['another'] };
    await live.test.table.write({ kind: 'put', key: probeKey('fake'), item }, live.clock.now);
    expect((await models(node, '?tier=local'))[0]?.['available']).toBe(false);
    const { models: _none, ...silent } = item;
    await live.test.table.write({ kind: 'put', key: probeKey('fake'), item: silent }, live.clock.now);
    expect((await models(node, '?tier=local'))[0]).not.toHaveProperty('available');
  });

  test('filters and pages', async () => {
    expect(await models(node, '?tier=nano')).toHaveLength(1);
    expect(await models(node, '?available=false')).toEqual([]);
    const first = (await node.ask('/api/v1/inference/models?limit=1')).json as { cursor: string; models: Fields[] };
    expect(first.models).toMatchObject([{ name: 'edge/signet-edge-1' }]);
    expect(await models(node, `?limit=1&cursor=${first.cursor}`)).toMatchObject([{ name: 'fake/fake-1' }]);
    for (const wrong of ['?cursor=%00', '?tier=x', '?limit=0', '?available=yes', '?other=1'])
      expect((await node.ask(`/api/v1/inference/models${wrong}`)).status).toBe(400);
  });
});

describe('POST /api/v1/inference/tier', () => {
  const advise = (instance: Instance, body: object = {}) =>
    instance.ask('/api/v1/inference/tier', { body: { prompt: 'hello', ...body } });

  test('recommends what generate takes', async () => {
    const { json } = await advise(node);
    expect(json).toMatchObject({ recommended_tier: 'local', model: 'fake/fake-1' });
    expect((await generate({})).json).toMatchObject({ tier: 'local', model: 'fake/fake-1' });
    const rules = await advise(live.open({ providers: () => [edgeProvider()] }));
    expect(rules.json).toMatchObject({ recommended_tier: 'edge', estimates: { nanousd: 0 } });
    expect(rules.json).not.toHaveProperty('runner_up');
    expect((await advise(live.open({ providers: () => [] }))).status).toBe(503);
  });

  test('`latency_sensitive` changes the tier where another one was measured to be faster', async () => {
    const local = { ms: 900 };
    const pool = { ms: 40 };
    const both = live.open({ providers: () => [timed('l', 'local', local), timed('p', 'pool', pool)] });
    expect((await advise(both)).json).toMatchObject({
      recommended_tier: 'local',
      runner_up: { model: 'p/m', tier: 'pool' },
      estimates: { ms: expect.any(Number) },
    });
    const { json } = await advise(both, { latency_sensitive: true });
    expect(json).toMatchObject({ recommended_tier: 'pool', runner_up: { tier: 'local' }, estimates: { ms: 40 } });
    expect((json as Fields)['reasoning']).toContain('latency matters: tiers by what was measured, pool before local');
    // Generations count more than probes: the pool turns out to be slow.
    pool.ms = 2_000;
    await both.ask('/api/v1/inference/generate', { body: { prompt: 'x', tier: 'pool' } });
    expect((await advise(both, { latency_sensitive: true })).json).toMatchObject({ recommended_tier: 'local' });
    expect((await advise(both, { latency_sensitive: false })).json).toMatchObject({ recommended_tier: 'local' });
  });

  test('the complexity comes from features that it shows', async () => {
    const plain = (await advise(node)).json as Fields;
    const hard = (
      await advise(node, { prompt: '```\nfn main() {}\n``` why? how? when?'.repeat(99), max_tokens: 4_000 })
    ).json as Fields;
    expect(plain).toMatchObject({ complexity: 0.02, features: { has_code: false, questions: 0, answer_tokens: 512 } });
    expect(hard).toMatchObject({ features: { has_code: true, questions: 297, answer_tokens: 4_000 } });
    expect(hard['complexity'] as number).toBeGreaterThan(0.5);
    expect(hard['complexity'] as number).toBeLessThanOrEqual(1);
  });

  test('no budget is judged while no price is known', async () => {
    const { status, json } = await advise(node, { budget_nanousd: 5 });
    expect([status, (json as Fields)['code']]).toEqual([400, 'unsupported_parameter']);
  });

  test('leaves no receipt: nothing is decided', async () => {
    const count = countEntries(live.test);
    const { entries: before } = await count();
    expect((await advise(node)).headers.get('signet-receipt')).toBeNull();
    expect((await count()).entries).toBe(before);
  });
});
