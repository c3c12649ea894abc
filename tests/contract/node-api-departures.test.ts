import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { digest, openNodeWorld, type Fields, type NodeWorld } from '../fixtures/node-world.ts';

// Where these routes depart from the node that Signet succeeds, as far as no other suite shows it.

let world: NodeWorld;
beforeAll(async () => {
  world = await openNodeWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  world.live.clock.now += 60_000;
});

const payload = 'aGVsbG8=';

describe('what the original did otherwise', () => {
  test('an identity is a did:key of its own, and the node keeps the one it has', async () => {
    const before = (await world.node.ask('/api/v1/status')).json as Fields;
    const { status, json } = await world.node.ask('/api/v1/identity/generate', { body: {} });
    const identity = json as Fields;
    expect(status).toBe(201);
    expect(identity['node_id']).toBe(`did:key:${identity['key_id'] as string}`);
    expect(identity['node_id']).not.toBe(before['node_id']);
    expect(before['node_id']).toMatch(/^did:key:z6Mk/);
    expect(Object.keys(identity).join()).not.toMatch(/private|secret|seed/);
    expect(((await world.node.ask('/api/v1/status')).json as Fields)['node_id']).toBe(before['node_id']);
  });

  test('text is signed as a type, never raw', async () => {
    const { json } = await world.node.ask('/api/v1/identity/sign', { body: { message: 'hello' } });
    const signed = json as Fields;
    expect(signed['payload_type']).toBe('application/vnd.signet.text.v1');
    const raw = { payload: Buffer.from('hello').toString('base64'), payload_type: 'text/plain' };
    const { signature, public_key } = signed;
    const other = await world.node.ask('/api/v1/identity/verify', { body: { ...raw, signature, public_key } });
    expect(other.json).toEqual({ valid: false, code: expect.any(String) });
  });

  test('a thousand signatures are judged in order, and a bad one shifts none', async () => {
    const item = world.made['item'] as Fields;
    const bad = new Set([0, 1, 499, 998, 999]);
    const items = Array.from({ length: 1_000 }, (_, at) => (bad.has(at) ? { ...item, message: `other ${at}` } : item));
    const { status, json } = await world.node.ask('/api/v1/identity/verify', { body: { items } });
    const { results, all_valid } = json as { results: readonly { valid: boolean }[]; all_valid: boolean };
    expect([status, results.length, all_valid]).toEqual([200, 1_000, false]);
    expect(results.flatMap(({ valid }, at) => (valid ? [] : [at]))).toEqual([...bad]);
  });

  test('a payload of 256 KiB is stored, and the answer alone verifies', async () => {
    const payload_text = 'x'.repeat(262_142);
    const { status, json } = await world.node.ask('/api/v1/pci/envelope/create', { body: { payload: payload_text } });
    const created = json as Fields;
    expect([status, created['content_ref']]).toEqual([201, expect.stringMatching(digest)]);
    const verdict = await world.node.ask('/api/v1/pci/envelope/verify', { body: { envelope: created['envelope'] } });
    expect(verdict.json).toMatchObject({ valid: true, id: created['id'] });
  });

  test('a message is admitted once', async () => {
    const { json } = await world.node.ask('/api/v1/pci/envelope/create', { body: { payload: 'once' } });
    const asked = { body: { envelope: (json as Fields)['envelope'], consume: true } };
    expect((await world.node.ask('/api/v1/pci/envelope/verify', asked)).json).toMatchObject({ valid: true });
    const again = await world.refused('/api/v1/pci/envelope/verify', asked, 409, 'replay');
    expect(again.json).toMatchObject({ reason: 'replay.seen', first_verdict: expect.stringMatching(digest) });
  });

  test('scores of a caller only lower: a claim of everything passes no noise', async () => {
    const noise = 'word '.repeat(40);
    const plain = (await world.node.ask('/api/v1/pci/gates/check', { body: { content: noise } })).json as Fields;
    const body = { content: noise, snr_score: 1, ihsan_score: 1 };
    const claimed = (await world.node.ask('/api/v1/pci/gates/check', { body })).json as Fields;
    expect([claimed['passed'], claimed['snr_bp'], claimed['ihsan_bp']]).toEqual([
      plain['passed'],
      plain['snr_bp'],
      plain['ihsan_bp'],
    ]);
    expect(plain['passed']).toBe(false);
  });

  test('a refusal that the older node had a number for tells it', async () => {
    const body = { payload, payload_type: 'application/vnd.in-toto+json' };
    const { json } = await world.refused('/api/v1/identity/sign', { body }, 403, 'signature_refused');
    expect((json as Fields)['legacy_code']).toEqual(expect.any(Number));
  });

  test.each([
    ['/api/v1/identity/generate', { label: 'repeated' }, { label: 'another' }, 201],
    ['/api/v1/identity/sign', { message: 'repeated' }, { message: 'another' }, 200],
    ['/api/v1/pci/envelope/create', { payload: 'repeated' }, { payload: 'another' }, 201],
    ['/api/v1/inference/generate', { prompt: 'repeated' }, { prompt: 'another' }, 200],
  ])('%s with a key of idempotency is done once', async (path, body, other, status) => {
    const headers = { 'idempotency-key': path.replaceAll('/', '.') };
    const first = await world.node.ask(path, { body, headers });
    const again = await world.node.ask(path, { body, headers });
    expect([first.status, again.status, again.text]).toEqual([status, status, first.text]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    await world.refused(path, { body: other, headers }, 422, 'idempotency_mismatch');
  });
});
