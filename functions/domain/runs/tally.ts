import type { NewEvent } from './run-events.ts';

/** What a host call has gathered so far; kept when it fails, since what was judged was judged. */
export interface Tally {
  readonly receipts: string[];
  readonly events: NewEvent[];
  model_calls: number;
  tokens: number;
}
