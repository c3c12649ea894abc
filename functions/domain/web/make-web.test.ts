import { expect, test } from '@jest/globals';
import type { Call } from '../call.ts';
import type { Judge, Judgement } from '../decisions/judge.ts';
import { makeWeb } from './make-web.ts';

const call: Call = {
  principal: { kind: 'key', id: 'k', tenant: 'default', scopes: ['web'] },
  request_id: 'r',
  nextStatement: () => 0,
  depth: 0,
  signal: new AbortController().signal,
};

function judging(notes: Judgement[]): Judge {
  return {
    permits: () => true,
    async decide(_call, judgement, work) {
      notes.push(judgement);
      return { value: (await work()).value, receipt: 'receipt' };
    },
    open: () => Promise.reject(new Error('not used here')),
  };
}

test('a search is judged, and nothing found is an empty list', async () => {
  const notes: Judgement[] = [];
  const web = makeWeb({ judge: judging(notes), searcher: { name: 'local', search: async () => [] } });
  expect(await web.search(call, { query: 'x', k: 3 })).toEqual({ value: [], receipt: 'receipt' });
  expect(notes).toMatchObject([
    { action: 'search', resource: { type: 'Web', id: 'local' }, facts: { provider: 'local' } },
  ]);
});

test.each([
  [{ query: ' ', k: 3 }, 'query'],
  [{ query: 'x'.repeat(1025), k: 3 }, 'query'],
  [{ query: 'x', k: 0 }, 'k'],
  [{ query: 'x', k: 21 }, 'k'],
  [{ query: 'x', k: 1.5 }, 'k'],
])('%j is refused before it is judged', async (request, param) => {
  const notes: Judgement[] = [];
  const web = makeWeb({ judge: judging(notes), searcher: { name: 'local', search: async () => [] } });
  await expect(web.search(call, request)).rejects.toMatchObject({ public: { code: 'invalid_request', param } });
  expect(notes).toEqual([]);
});
