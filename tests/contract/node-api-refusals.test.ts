import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openNodeWorld, type Fields, type NodeWorld } from '../fixtures/node-world.ts';

// What the eighteen routes of the node refuse, and by which code; rows are numbered as the routes in node-api.test.ts.

let world: NodeWorld;
beforeAll(async () => {
  world = await openNodeWorld();
});
afterAll(() => world.close());
beforeEach(() => {
  world.live.clock.now += 60_000;
});

const g = '/api/v1';

interface Refusal {
  readonly row: number;
  readonly path: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly status: number;
  readonly code: string;
  readonly reason?: string;
}

const invalid = { status: 400, code: 'invalid_request' } as const;
const reserved = { status: 403, code: 'signature_refused', reason: 'envelope.type' } as const;
const payload = 'aGVsbG8=';
const absent = '0'.repeat(64);
const short = 'ab'.repeat(31);

function each(
  row: number,
  path: string,
  refusal: { status: number; code: string; reason?: string },
  ...bodies: object[]
) {
  return bodies.map((body): Refusal => ({ row, path: `${g}${path}`, body, ...refusal }));
}

const refusals: readonly Refusal[] = [
  ...each(4, '/identity/generate', { status: 409, code: 'identity_exists' }, { label: 'taken' }),
  ...each(
    4,
    '/identity/generate',
    invalid,
    { label: '' },
    { label: 'x'.repeat(65) },
    { label: 'a\nb' },
    { purpose: 'node' },
  ),
  ...[
    'application/vnd.signet.receipt.v1+json',
    'application/vnd.in-toto+json',
    'application/vnd.signet.message.v1+json',
    'application/vnd.signet.vote.v1+json',
  ].flatMap((payload_type) => each(5, '/identity/sign', reserved, { payload, payload_type })),
  ...each(
    5,
    '/identity/sign',
    invalid,
    {},
    { message: 'a', payload },
    { payload },
    { payload: 'a', payload_type: 'text/x' },
    { message: 'a', payload_type: 'text/x' },
    { message: 'a', key_id: 'nobody' },
  ),
  ...each(5, '/identity/sign', { status: 413, code: 'too_large' }, { message: 'x'.repeat(3_901) }),
  ...each(
    5,
    '/identity/sign',
    { status: 404, code: 'identity_not_found' },
    { message: 'a', key_id: 'z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK' },
  ),
  ...each(
    6,
    '/identity/verify',
    invalid,
    { message: 'a', signature: 'zz'.repeat(64), public_key: 'ab'.repeat(32) },
    { message: 'a', signature: 'ab'.repeat(63), public_key: 'ab'.repeat(32) },
    { message: 'a', signature: 'ab'.repeat(64), public_key: short },
    { message: 'a', signature: 'ab'.repeat(64), public_key: `${short}a` },
    { items: [] },
    { items: Array.from({ length: 1_001 }, () => '$item') },
    { items: ['$item'], message: 'a' },
  ),
  ...each(
    7,
    '/pci/envelope/create',
    invalid,
    {},
    { payload: 1, ttl: 0 },
    { payload: 1, ttl: 3_601 },
    { payload: 1, ttl: 1.5 },
    { payload: 1, provenance: 'somewhere' },
    { payload: 1, provenance: ['somewhere'] },
    { payload: 1, provenance: Array.from({ length: 65 }, () => ({ id: absent, digest: absent })) },
    { payload: 1, audience: 'nobody' },
    { payload: 1, schema_id: 'a b' },
  ),
  ...each(
    7,
    '/pci/envelope/create',
    { status: 422, code: 'digest_mismatch', reason: 'digest.unknown' },
    { payload: 1, provenance: [{ id: absent, digest: absent }] },
  ),
  ...each(
    7,
    '/pci/envelope/create',
    { status: 422, code: 'digest_mismatch', reason: 'digest.mismatch' },
    { payload: 1, provenance: [{ id: '$receipt', digest: absent }] },
  ),
  ...each(7, '/pci/envelope/create', { status: 413, code: 'too_large' }, { payload: 'x'.repeat(262_143) }),
  ...each(8, '/pci/envelope/verify', invalid, {}, { envelope: 7 }, { envelope: '$message', consume: 'yes' }),
  ...each(
    9,
    '/pci/gates/check',
    invalid,
    {},
    { content: 7 },
    { content: 'a', snr_score: 1.01 },
    { content: 'a', ihsan_score: -0.01 },
    { content: 'a', content_type: 'text/html' },
  ),
  ...each(
    10,
    '/inference/generate',
    invalid,
    {},
    { prompt: '' },
    { prompt: 'x'.repeat(200_001) },
    { prompt: 'a', system: 'x'.repeat(20_001) },
    { prompt: 'a', temperature: 2.01 },
    { prompt: 'a', max_tokens: 0 },
    { prompt: 'a', deadline_ms: 99 },
    { prompt: 'a', deadline_ms: 120_001 },
    { prompt: 'a', tier: 'giant' },
  ),
  ...each(10, '/inference/generate', { status: 503, code: 'no_provider' }, { prompt: 'a', tier: 'pool' }),
  ...each(12, '/inference/tier', { status: 400, code: 'unsupported_parameter' }, { prompt: 'a', budget_nanousd: 1 }),
  ...each(12, '/inference/tier', invalid, {}, { prompt: 'a', latency_sensitive: 'yes' }),
  { row: 11, path: `${g}/inference/models`, query: 'tier=giant', ...invalid },
  { row: 14, path: `${g}/federation/peers`, query: 'limit=501', ...invalid },
  { row: 14, path: `${g}/federation/peers`, query: 'state=lost', ...invalid },
  ...each(15, '/federation/propose', { status: 501, code: 'not_built', reason: 'feature.off' }, { confidence: 1 }),
  { row: 16, path: `${g}/constitution`, query: 'version=99', status: 404, code: 'constitution_not_found' },
  { row: 16, path: `${g}/constitution`, query: 'version=0', ...invalid },
  ...each(
    17,
    '/constitution/check',
    { status: 422, code: 'evidence_missing' },
    {},
    { snr_score: 1, ihsan_score: 1 },
    { has_signature: true, has_provenance: true },
    { subject: {}, snr_score: 1 },
    { subject: { verdict_id: '$verdict_id', receipt_id: '$receipt' } },
  ),
  ...each(17, '/constitution/check', { status: 404, code: 'receipt_not_found' }, { subject: { receipt_id: absent } }),
  ...each(17, '/constitution/check', invalid, { subject: { verdict_id: '$verdict_id' }, rules: ['G13'] }),
];

test.each(refusals.map((one) => ({ ...one, shown: (one.query ?? JSON.stringify(one.body)).slice(0, 90) })))(
  'row $row: $status $code of $path: $shown',
  async ({ path, query, body, status, code, reason }) => {
    const address = query === undefined ? path : `${path}?${query}`;
    const { json } = await world.refused(address, body === undefined ? {} : { body: world.filled(body) }, status, code);
    if (reason !== undefined) expect((json as Fields)['reason']).toBe(reason);
  },
);
