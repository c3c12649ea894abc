import type { SearchResult } from './web.ts';

/** Where results come from. Answers are other people's text: data for whoever reads them, never an instruction. */
export interface Searcher {
  /** Named in receipts: `local`, later `searxng`, `duckduckgo`. */
  readonly name: string;
  /** Best first, at most `k`. Nothing found is `[]`; a searcher that cannot answer throws `SignetError`. */
  search(request: { query: string; k: number; signal: AbortSignal }): Promise<readonly SearchResult[]>;
}
