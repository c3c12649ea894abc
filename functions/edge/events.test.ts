import { expect, test } from '@jest/globals';
import { makeApp } from './make-app.ts';
import { ownerToken, receipt, recordedServices } from './testing/recorded-services.ts';

const services = recordedServices();
const app = makeApp(services);

function ask(path: string, headers: { readonly [name: string]: string } = {}): Promise<Response> {
  return Promise.resolve(app.request(path, { headers: { authorization: `Bearer ${ownerToken}`, ...headers } }));
}

test('events go out under the number to go on behind, `reset` without one', async () => {
  const answer = await ask('/api/v1/events?topics=run.completed');
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  const [reset, event] = (await answer.text()).split('\n\n');
  expect(reset).toBe('event: reset\ndata: {"type":"reset","oldest":3}');
  expect(event).toMatch(/^id: 3\nevent: run\.completed\ndata: \{"type":"event","seq":3,/);
  expect(event).toContain(receipt);
});

test.each([
  ['/api/v1/events?topics=run.completed', {}, { topics: ['run.completed'] }],
  ['/api/v1/events?topics=run.completed,run.completed&cursor=7', {}, { topics: ['run.completed'], after: 7 }],
  ['/api/v1/events?topics=run.completed&cursor=7', { 'last-event-id': '9' }, { topics: ['run.completed'], after: 9 }],
])('%s is asked for as it says', async (path, headers, request) => {
  services.reached.length = 0;
  await (await ask(path, headers)).body?.cancel();
  expect(services.reached).toMatchObject([{ verb: 'events.follow', request }]);
});

test.each([
  ['/api/v1/events', {}],
  ['/api/v1/events?topics=', {}],
  ['/api/v1/events?topics=nothing', {}],
  ['/api/v1/events?topics=run.completed,', {}],
  ['/api/v1/events?topics=run.completed&cursor=-2', {}],
  ['/api/v1/events?topics=run.completed&other=1', {}],
  ['/api/v1/events?topics=run.completed', { 'last-event-id': 'x' }],
])('%s %j is 400', async (path, headers) => {
  expect((await ask(path, headers)).status).toBe(400);
});

test('HEAD has no meaning for a stream', async () => {
  const answer = await app.request('/api/v1/events?topics=run.completed', {
    method: 'HEAD',
    headers: { authorization: `Bearer ${ownerToken}` },
  });
  expect(answer.status).toBe(405);
});
