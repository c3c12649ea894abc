import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { digest, openNodeWorld, prose, type Fields, type NodeWorld } from '../fixtures/node-world.ts';

// The eighteen routes of the node, row by row: who may, what is taken, what is answered. That each field is live is shown by
// live-data.test.ts and inference.test.ts, which change the state behind it.

let world: NodeWorld;
beforeAll(async () => {
  world = await openNodeWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  world.live.clock.now += 60_000;
});

interface Row {
  readonly route: `${'GET' | 'POST'} /${string}`;
  readonly body?: object;
  readonly query?: string;
  readonly status: number;
  /** Every field of the answer, at any depth of objects as `outer.inner`; lists by their first item as `list[].field`. */
  readonly fields: readonly string[];
  /** Leaves a receipt. */
  readonly decides?: true;
}

const g = '/api/v1';
const rows: readonly Row[] = [
  {
    route: `GET ${g}/health`,
    status: 200,
    fields: ['status', 'version', 'build', 'checks[].name', 'checks[].state', 'checks[].ms'],
  },
  {
    route: `GET ${g}/status`,
    status: 200,
    fields: [
      'node_id',
      'uptime_secs',
      'total_requests',
      'identity_initialized',
      'inference_ready',
      'federation_connected',
      'constitution_version',
      'uptime_seconds',
      'con',
      'ledger.pending',
      'compute.digest',
    ],
  },
  { route: `GET ${g}/metrics`, status: 200, fields: [] },
  {
    route: `POST ${g}/identity/generate`,
    body: { purpose: 'service' },
    status: 201,
    fields: ['node_id', 'public_key', 'key_id', 'custody', 'expires_at'],
    decides: true,
  },
  {
    route: `POST ${g}/identity/sign`,
    body: { message: 'hello' },
    status: 200,
    fields: ['signature', 'public_key', 'payload_type', 'key_id', 'envelope.payload', 'envelope.signatures[].sig'],
    decides: true,
  },
  {
    route: `POST ${g}/identity/verify`,
    body: { items: ['$item'] },
    status: 200,
    fields: ['results[].valid', 'all_valid'],
  },
  {
    route: `POST ${g}/pci/envelope/create`,
    body: { payload: { order: 7 }, ttl: 60, provenance: [] },
    status: 201,
    fields: [
      'id',
      'public_key',
      'signature',
      'ttl',
      'timestamp',
      'content_hash',
      'envelope.payload',
      'digests.sha256',
      'digests.blake3',
    ],
    decides: true,
  },
  {
    route: `POST ${g}/pci/envelope/verify`,
    body: { envelope: '$message' },
    status: 200,
    fields: ['valid', 'checks[].check', 'checks[].ok', 'iss', 'id'],
  },
  {
    route: `POST ${g}/pci/gates/check`,
    body: { content: prose, sender_id: 'me', envelope_id: 'e', snr_score: 0.9, ihsan_score: 0.96 },
    status: 200,
    fields: [
      'all_passed',
      'results[].gate',
      'results[].passed',
      'results[].duration_us',
      'passed',
      'id',
      'con',
      'results[].score_bp',
      'results[].bar_bp',
      'results[].facts',
      'snr_bp',
      'ihsan_bp',
      'claimed',
      'verdict',
    ],
    decides: true,
  },
  {
    route: `POST ${g}/inference/generate`,
    body: { prompt: 'hello', system: 'Be brief.', max_tokens: 8, temperature: 0, tier: 'local' },
    status: 200,
    fields: [
      'request_id',
      'text',
      'model',
      'tier',
      'completion_tokens',
      'duration_ms',
      'prompt_tokens',
      'finish_reason',
      'route[].model',
    ],
    decides: true,
  },
  {
    route: `GET ${g}/inference/models`,
    status: 200,
    fields: ['models[].name', 'models[].tier', 'models[].provider', 'models[].available', 'models[].probed_at'],
  },
  {
    route: `POST ${g}/inference/tier`,
    body: { prompt: 'hello', max_tokens: 8, latency_sensitive: true },
    status: 200,
    fields: ['recommended_tier', 'complexity', 'reasoning', 'features.prompt_tokens', 'estimates.ms'],
  },
  {
    route: `GET ${g}/federation/status`,
    status: 200,
    fields: [
      'connected',
      'node_id',
      'peer_count',
      'gossip_round',
      'consensus_height',
      'pattern_count',
      'peers',
      'witnesses',
    ],
  },
  { route: `GET ${g}/federation/peers`, query: 'limit=500&state=alive', status: 200, fields: ['peers'] },
  { route: `POST ${g}/federation/propose`, status: 501, fields: ['code', 'reason'] },
  {
    route: `GET ${g}/constitution`,
    query: 'version=1',
    status: 200,
    fields: ['version', 'ihsan_threshold', 'snr_threshold', 'rules', 'penalties', 'document', 'con', 'adopted'],
  },
  {
    route: `POST ${g}/constitution/check`,
    body: { subject: { verdict_id: '$verdict_id' }, rules: ['G4'] },
    status: 200,
    fields: [
      'compliant',
      'checks[].rule',
      'checks[].passed',
      'checks[].threshold',
      'checks[].enforcement',
      'checks[].evidence',
    ],
    decides: true,
  },
  { route: `GET ${g}/ws`, status: 501, fields: ['code', 'reason'] },
];

test('there are eighteen', () => {
  expect(new Set(rows.map(({ route }) => route)).size).toBe(18);
});

describe.each(rows)('$route', ({ route, body, query, status, fields, decides }) => {
  const [method = '', path = ''] = route.split(' ');
  const address = query === undefined ? path : `${path}?${query}`;
  const asked = () => ({ method, ...(method === 'POST' ? { body: world.filled(body ?? {}) } : {}) });

  test(`answers ${status} with every field`, async () => {
    const answer = await world.node.ask(address, asked());
    expect([answer.status, answer.status === status ? '' : answer.text]).toEqual([status, '']);
    expect(fields.filter((field) => valueAt(answer.json, field) === undefined)).toEqual([]);
    expect(answer.headers.get('signet-receipt')).toEqual(decides === true ? expect.stringMatching(digest) : null);
  });

  test('is a problem to strangers, to a wrong key and to one without the scope', async () => {
    if (path === '/api/v1/health') {
      expect((await world.node.ask(address, { key: null })).status).toBe(200);
    } else {
      await world.refused(path, { ...asked(), key: null }, 401, 'invalid_api_key');
      const answer = await world.refused(path, { ...asked(), key: world.powerless }, 403, 'policy_denied');
      expect(answer.headers.get('signet-receipt')).toEqual(decides === true ? expect.stringMatching(digest) : null);
    }
    await world.refused(path, { ...asked(), key: 'sg_nothing' }, 401, 'invalid_api_key');
  });

  test('refuses what it does not know', async () => {
    await world.refused(`${path}?no_such=1`, asked(), 400, 'invalid_request');
    if (body !== undefined) {
      await world.refused(path, { method, body: { ...world.filled(body), no_such: 1 } }, 400, 'invalid_request');
    }
  });
});

function valueAt(answer: unknown, field: string): unknown {
  return field.split('.').reduce<unknown>((at, part) => {
    const value = (at as Fields | undefined)?.[part.replace('[]', '')];
    return part.endsWith('[]') ? (value as readonly unknown[] | undefined)?.[0] : value;
  }, answer);
}
