import { describe, expect, test } from '@jest/globals';
import type { OfferedModel } from '../domain/chat/chat.ts';
import { makeApp } from './make-app.ts';
import { ownerToken, recordedServices } from './testing/recorded-services.ts';

const chatModel = (provider: string, id: string, permitted = true): OfferedModel => ({
  id: `${provider}/${id}`,
  provider,
  tier: 'pool',
  capabilities: ['chat'],
  owned_by: provider,
  permitted,
});

function get(path: string) {
  const services = recordedServices();
  const models = () => Promise.resolve([chatModel('a', 'one'), chatModel('a', 'two', false), chatModel('b', 'two')]);
  const app = makeApp({ ...services, chat: { ...services.chat, models } });
  return Promise.resolve(app.request(path, { headers: { authorization: `Bearer ${ownerToken}` } }));
}

describe('models', () => {
  test('are all listed, each with whether this key may use it', async () => {
    const { data } = (await (await get('/v1/models')).json()) as {
      data: { id: string; signet: { permitted: boolean } }[];
    };
    expect(data.map(({ id, signet }) => [id, signet.permitted])).toEqual([
      ['a/one', true],
      ['a/two', false],
      ['b/two', true],
      ['tiny', true],
    ]);
  });

  test.each([
    ['a/one', 'a/one'],
    ['a%2Fone', 'a/one'],
    ['one', 'a/one'],
    ['b/two', 'b/two'],
    ['tiny', 'tiny'],
    ['small', 'tiny'],
  ])('are found by any name that a request may give them: %s', async (name, id) => {
    const answer = await get(`/v1/models/${name}`);
    expect(await answer.json()).toMatchObject({ id, object: 'model' });
  });

  test('that share a name are told apart in the refusal', async () => {
    const answer = await get('/v1/models/two');
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('`a/two`, `b/two`');
  });

  test.each(['three', 'a', 'a/', '%2F', 'a/one/', '%00'])('that are not there: %s', async (name) => {
    const answer = await get(`/v1/models/${name}`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: 'model_not_found', param: 'model' } });
  });
});
