import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';

export interface SearchResult {
  readonly title: string;
  readonly url: string;
  readonly snippet: string;
}

export interface Web {
  /** Nothing found is `[]`; a failure is an error. `k` 1..20. */
  search(call: Call, request: { query: string; k: number }): Promise<Judged<readonly SearchResult[]>>;
}
