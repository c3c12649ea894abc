import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import checkpoints from '@signet/shared/vectors/ledger/checkpoints.json' with { type: 'json' };
import vectors from '@signet/shared/vectors/witness/requests.json' with { type: 'json' };
import { foreignLog, openCosignature } from '../../tests/fixtures/foreign-log.ts';
import { openTestNode, type TestNode } from '../../tests/fixtures/open-test-node.ts';
import { makeWitness } from '../domain/witness/make-witness.ts';
import { openWitnessIdentity, type WitnessIdentity } from '../domain/witness/witness-identity.ts';
import { makeApp } from './make-app.ts';
import { recordedServices, tokenWith } from './testing/recorded-services.ts';

let node: TestNode;
let identity: WitnessIdentity;
let ask: (body: Uint8Array | string, headers?: Record<string, string>) => Promise<Response>;
let app: ReturnType<typeof makeApp>;
const log = foreignLog();
const [vectorsKey = ''] = checkpoints.cases[0]?.vkeys ?? [];

beforeAll(async () => {
  node = await openTestNode();
  const { table, keys, compute, now } = node;
  identity = await openWitnessIdentity({ table, keys, digest: compute.digest, name: 'witness.example/w1', now });
  const witness = makeWitness({
    table,
    ledger: compute.verify.ledger,
    keys,
    identity: async () => identity,
    logs: () =>
      new Map([
        [log.origin, [log.vkey]],
        ['log.example/vectors', [vectorsKey]],
      ]),
    onFault: () => {},
    now,
  });
  app = makeApp({ ...recordedServices(), limits: { visitor_per_s: 1e9, visitor_burst: 1e9 }, witness });
  ask = async (body, headers = {}) => app.request('/witness/add-checkpoint', { method: 'POST', body, headers });
});
afterAll(() => node.close());

const code = async (answer: Response) => ((await answer.json()) as { code: string }).code;

describe('POST /witness/add-checkpoint', () => {
  test('cosigns without a key, whatever the media type', async () => {
    for (const [size, headers] of [
      [5, {}],
      [5, { 'content-type': 'application/octet-stream' }],
    ] as const) {
      const answer = await ask(log.request({ old: size === 5 && 'content-type' in headers ? 5 : 0, size }), headers);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
      expect(openCosignature(await answer.text(), identity.vkey, log.checkpoint(5))).toBeGreaterThan(0);
    }
  });

  test('says 409 and the size that it cosigned', async () => {
    const answer = await ask(log.request({ old: 3, size: 9 }));
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      409,
      'text/x.tlog.size',
      '5\n',
    ]);
  });

  test.each([
    ['a body that is none', 400, 'invalid_request', 'x'],
    ['an old size above the new', 400, 'invalid_request', Buffer.from(`old 6\n\n${log.checkpoint(5)}`)],
    ['an unknown origin', 404, 'log_not_found', foreignLog('log.example/other').request({ old: 0, size: 1 })],
    ['no known signature', 403, 'signature_refused', foreignLog(log.origin).request({ old: 5, size: 6 })],
    ['another root at this size', 409, 'log_conflict', log.request({ old: 5, size: 5, branch: 1 })],
    ['a proof that does not hold', 422, 'proof_refused', log.request({ old: 5, size: 8, branch: 1 })],
  ])('refuses %s by %i `%s`', async (_, status, expected, body) => {
    const answer = await ask(body);
    expect([answer.status, await code(answer)]).toEqual([status, expected]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test('refuses more than 64 KiB, with a length and without one, and a compressed body', async () => {
    expect((await ask(Buffer.alloc(65_537, 0x61), { 'content-length': '65537' })).status).toBe(413);
    expect((await ask(Buffer.alloc(65_537, 0x61))).status).toBe(413);
    expect((await ask('old 0\n', { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  test('reads the vectors as they say', async () => {
    const answers = [];
    for (const { name, body } of vectors.cases) {
      const answer = await ask(body);
      answers.push([name, answer.status]);
    }
    const readable: Record<string, number> = {
      'the first': 200,
      'with a proof': 409,
      'with 63 hashes': 409,
      'too large': 413,
    };
    expect(answers).toEqual(vectors.cases.map(({ name }) => [name, readable[name] ?? 400]));
  });

  test('looks at so many bodies of one address, then no more', async () => {
    const limits = { visitor_per_s: 0.001, visitor_burst: 3 };
    const bounded = makeApp(recordedServices({ limits }));
    const statuses = [];
    for (let nth = 0; nth < 5; nth += 1) {
      statuses.push((await bounded.request('/witness/add-checkpoint', { method: 'POST', body: 'x' })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    expect((await bounded.request('/healthz')).status).toBe(200);
  });

  test('is not built where no key of a witness can be held', async () => {
    const { witness: _, ...services } = recordedServices();
    const answer = await makeApp(services).request('/witness/add-checkpoint', { method: 'POST', body: 'x' });
    expect([answer.status, await code(answer)]).toEqual([501, 'not_built']);
  });
});

test('GET /api/v1/witness says who witnesses, and what', async () => {
  const authorization = `Bearer ${tokenWith('fed:read')}`;
  const answer = await app.request('/api/v1/witness', { headers: { authorization } });
  expect(await answer.json()).toMatchObject({
    name: 'witness.example/w1',
    vkey: identity.vkey,
    logs: [
      { origin: log.origin, size: 5, contradicted_at: expect.any(Number) },
      { origin: 'log.example/vectors', size: 7 },
    ],
  });
});
