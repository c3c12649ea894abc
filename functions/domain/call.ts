import type { Scope } from './scopes.ts';

/** Who acts. A run acts with the scopes of the key that started it and is named apart in policy and receipts. */
export interface Principal {
  readonly kind: 'key' | 'run';
  /** API key id, or run id. */
  readonly id: string;
  /** First part of every storage key; bound to the API key when it was made, never chosen per request. */
  readonly tenant: string;
  readonly scopes: readonly Scope[];
}

/**
 * One authenticated request (or one host call of a run) on its way through the domain.
 * Everything a decision may depend on from outside travels here: nothing below reads a clock or an environment.
 */
export interface Call {
  readonly principal: Principal;
  /** UUIDv7; `req` of every statement that this request leads to. */
  readonly request_id: string;
  /** Counts the statements of this request: their `n`, so that equal decisions in one second differ. */
  readonly nextStatement: () => number;
  /** chat → script → chat … nest at most `limits.nesting_depth_max` deep; 0 for a request from outside. */
  readonly depth: number;
  /** Aborts when the client is gone, the run is cancelled or the deadline is over. */
  readonly signal: AbortSignal;
}

/** Milliseconds since the Unix epoch. Always an argument of a factory, never read from the global clock below it. */
export type Now = () => number;

/** `length` cryptographically secure random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

/** A fresh UUIDv7. */
export type NewId = () => string;
