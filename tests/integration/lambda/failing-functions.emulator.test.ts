import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Fault } from './function-pool.ts';
import { openStage } from './open-stage.ts';
import type { OpenedStage } from './open-stage.ts';

// What a caller and the log see of a function behind `serve-api` that does not answer.

let stage: OpenedStage;

beforeAll(async () => {
  stage = await openStage({ emulator_url: process.env['SIGNET_EMULATOR_URL'] ?? '' });
}, 60_000);
afterAll(() => stage.stop());

function post(path: string, body: object): Promise<Response> {
  return fetch(`${stage.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.owner_token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
const chat = () => post('/v1/chat/completions', { model: 'auto', messages: [{ role: 'user', content: 'hello' }] });
const embed = () => post('/v1/embeddings', { model: 'all-MiniLM-L6-v2', input: 'a cat' });

async function expectUnavailable(answer: Response, capability: string): Promise<void> {
  const text = await answer.text();
  expect({ status: answer.status, text }).toEqual({ status: 503, text: expect.stringContaining(capability) });
  expect(JSON.parse(text)).toMatchObject({ error: { code: 'capability_unavailable' } });
  expect(answer.headers.get('retry-after')).toBe('5');
  expect(text).not.toMatch(/sign-envelope|embed-text|Rate Exceeded|127\.0\.0\.1/);
}

test.each<[string, Fault]>([
  ['throttled', 'throttled'],
  ['not served', 'unavailable'],
  ['ended in the middle', 'killed'],
])(
  'a signer that is %s is 503 to the first request, told in the log, and forgotten when it is back',
  async (_, fault) => {
    const { server } = stage;
    await server.coolDown('serve-api');
    server.inject('sign-envelope', ...Array.from({ length: 400 }, () => fault));
    const logged = server.logs('serve-api').length;
    await expectUnavailable(await chat(), '`sign`');
    expect(server.logs('serve-api').slice(logged)).toMatch(/"code":"capability_unavailable".*"cause":/);
    server.clearFaults('sign-envelope');
    const answer = await chat();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('signet-receipt')).toMatch(/^[0-9a-f]{64}$/);
  },
  60_000,
);

test('a model whose process ends each time is 503 with a receipt, and chats go on', async () => {
  const { server } = stage;
  expect((await chat()).status).toBe(200);
  server.inject('embed-text', 'killed', 'killed', 'killed', 'killed');
  const answer = await embed();
  expect(answer.headers.get('signet-receipt')).toMatch(/^[0-9a-f]{64}$/);
  await expectUnavailable(answer, '`embed`');
  server.clearFaults('embed-text');
  expect((await embed()).status).toBe(200);
}, 60_000);
