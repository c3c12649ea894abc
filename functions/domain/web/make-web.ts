import type { Judge } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { Searcher } from './searcher.ts';
import type { Web } from './web.ts';

export interface WebParts {
  readonly searcher: Searcher;
  readonly judge: Judge;
}

const query_chars_max = 1024;
const k_max = 20;

export function makeWeb({ searcher, judge }: WebParts): Web {
  return {
    async search(call, { query, k }) {
      check(query, k);
      const judgement = {
        action: 'search' as const,
        resource: { type: 'Web', id: searcher.name },
        facts: { provider: searcher.name },
        request: { query, k },
      };
      return judge.decide(call, judgement, async () => {
        const results = await searcher.search({ query, k, signal: call.signal });
        const response = results.map(({ title, url, snippet }) => ({ title, url, snippet }));
        return { value: results, outcome: { response, detail: { results: results.length } } };
      });
    },
  };
}

function check(query: string, k: number): void {
  if (query.trim() === '' || query.length > query_chars_max) {
    throw new SignetError({
      code: 'invalid_request',
      detail: `expected \`query\` of 1 to ${query_chars_max} characters, got ${query.trim() === '' ? 0 : query.length}`,
      param: 'query',
    });
  }
  if (!Number.isInteger(k) || k < 1 || k > k_max) {
    throw new SignetError({
      code: 'invalid_request',
      detail: `expected \`k\` from 1 to ${k_max}, got ${k}`,
      param: 'k',
    });
  }
}
