import { describe, expect, test } from '@jest/globals';
import records from '@signet/shared/records/scopes.json' with { type: 'json' };
import { scopes } from '../domain/scopes.ts';
import { makeApp } from './make-app.ts';
import type { ExampleRequest } from './testing/example-requests.ts';
import { examples } from './testing/example-requests.ts';
import { ownerToken, receipt, recordedServices, tokenWith } from './testing/recorded-services.ts';

const services = recordedServices();
const app = makeApp(services);

function send({ method, path, body }: ExampleRequest, token?: string): Promise<Response> {
  return Promise.resolve(
    app.request(path, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': `${body.length}` }),
      },
      ...(body === undefined ? {} : { body }),
    }),
  );
}

const open = examples.filter(({ endpoint }) => endpoint.access === 'open');
const keyed = examples.filter(({ endpoint }) => endpoint.access !== 'open' && endpoint.access !== 'run-token');

test('open are only the routes that the surface opens', () => {
  expect(open.map(({ route }) => route).toSorted()).toEqual([
    'GET /',
    'GET /api/v1/health',
    'GET /healthz',
    'GET /openapi.json',
    'POST /witness/add-checkpoint',
  ]);
});

test('what a route decides belongs to its scope in the record', () => {
  for (const { route, endpoint } of keyed) {
    const record = records.scopes.find(({ scope }) => scope === endpoint.access);
    const action = endpoint.decides?.action;
    expect({ route, actions: record?.actions }).toEqual({
      route,
      actions: action === undefined ? expect.any(Array) : expect.arrayContaining([action]),
    });
  }
});

describe.each(keyed)('$route', (example) => {
  const scope = example.endpoint.access;
  const built = !(501 in example.endpoint.answers);

  test.each([
    ['no key', undefined],
    ['a key that is not one', 'sg_wrong'],
    ['another scheme of token', 'eyJhbGciOiJub25lIn0.e30.'],
  ])('answers 401 to %s and reaches nothing', async (_, token) => {
    services.reached.length = 0;
    const answer = await send(example, token);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    expect(await answer.text()).toContain('invalid_api_key');
    expect(services.reached).toEqual([]);
  });

  test(`answers 403 to a key with every scope but \`${scope}\``, async () => {
    services.reached.length = 0;
    const answer = await send(example, tokenWith(...scopes.filter((one) => one !== scope)));
    expect(answer.status).toBe(403);
    const text = await answer.text();
    expect(text).toContain('policy_denied');
    expect(text).toContain(`lacks the scope \`${scope}\``);
    const { decides } = example.endpoint;
    // What would have been decided leaves the receipt of its refusal, a plain read leaves none.
    expect(services.reached.map(({ verb }) => verb)).toEqual(decides === undefined ? [] : ['judge.decide']);
    expect(answer.headers.get('signet-receipt')).toBe(decides === undefined ? null : receipt);
  });

  test(`answers a key with \`${scope}\` alone`, async () => {
    const answer = await send(example, tokenWith(scope as (typeof scopes)[number]));
    await answer.body?.cancel();
    // A request that does not ask to become a socket is told so.
    const first = Object.keys(example.endpoint.answers).find((status) => status !== '101');
    expect(answer.status).toBe(built ? Number(first) : 501);
  });
});

describe.each(open)('$route', (example) => {
  test('answers without a key', async () => {
    expect((await send(example)).status).toBe(200);
  });
});

test('two routes take the token of a run', () => {
  const routes = examples.filter(({ endpoint }) => endpoint.access === 'run-token').map(({ route }) => route);
  expect(routes).toEqual(['POST /api/v1/runs/{id}/calls', 'POST /internal/runs/{id}/frames']);
});

describe.each(examples.filter(({ endpoint }) => endpoint.access === 'run-token'))('$route', (channel) => {
  test.each([
    ['no token', undefined],
    ["the owner's key", ownerToken],
    ['a key with every scope', tokenWith(...scopes)],
  ])('takes %s for nothing', async (_, token) => {
    services.reached.length = 0;
    expect((await send(channel, token)).status).toBe(401);
    expect(services.reached).toEqual([]);
  });

  test("takes the run's own token", async () => {
    services.reached.length = 0;
    expect((await send(channel, 'run-token')).status).toBe(200);
    expect(services.reached[0]?.request).toMatchObject({ run_id: 'run-1', token: 'run-token' });
  });
});

describe('what is not there', () => {
  test.each(['/v1', '/v1/nothing', '/api/v1/nothing', '/api/v2/chat', '/v1/%2e%2e%2fhealthz', '/api/v1/tools/a/b/c'])(
    '%s is 401 to strangers and 404 to a key',
    async (path) => {
      expect((await app.request(path)).status).toBe(401);
      const known = await app.request(path, { headers: { authorization: `Bearer ${ownerToken}` } });
      expect(known.status).toBe(404);
    },
  );

  test.each(['/nothing', '/favicon.ico', '/V1/models', '/api.v1'])('%s is 404 to everybody', async (path) => {
    const answer = await app.request(path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ code: 'not_found', type: 'urn:signet:problem:not_found' });
  });

  test('another method is 405 with what is allowed, and 401 to strangers', async () => {
    expect((await app.request('/v1/models', { method: 'DELETE' })).status).toBe(401);
    const answer = await app.request('/v1/models', {
      method: 'DELETE',
      headers: { authorization: `Bearer ${ownerToken}` },
    });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });
});
