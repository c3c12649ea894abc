import type { Condition } from '../../domain/ports/table.ts';

/**
 * What crosses to the writer thread. Items travel as JSON text: the caller has made it already to measure it, the file
 * stores it, and a string is copied between threads far more cheaply than an object.
 */
export type WireOperation = {
  readonly pk: string;
  readonly sk: string;
  readonly conditions: readonly Condition[];
} & (
  | { readonly kind: 'put'; readonly text: string; readonly expires_at: number | null }
  /** `text`: JSON of `{ set, add, remove }`. `keeps`: false when `set` names an `expires_at`. */
  | { readonly kind: 'update'; readonly text: string; readonly keeps: boolean | undefined }
  | { readonly kind: 'delete' }
  | { readonly kind: 'check' }
);

export interface WireMessage {
  readonly body: string;
  readonly delay_ms: number;
  readonly group: string | null;
}

export interface WireDelivery {
  readonly seq: number;
  readonly body: string;
  readonly attempt: number;
  readonly group: string | null;
}

/** One exchange with the writer for each name. `now` is Unix milliseconds. */
export interface Exchanges {
  transact: {
    request: { now: number; operations: readonly WireOperation[] };
    reply:
      | { kind: 'written'; texts: readonly (string | undefined)[] }
      | { kind: 'refused'; operation: number; condition: Condition; current: string | undefined };
  };
  sweep: { request: { now: number; limit: number }; reply: number };
  send: { request: { now: number; queue: string; messages: readonly WireMessage[] }; reply: null };
  receive: {
    request: { now: number; queue: string; max: number; visibility_ms: number; attempts_max: number };
    reply: readonly WireDelivery[];
  };
  complete: { request: { queue: string; seq: number; attempt: number }; reply: boolean };
  release: { request: { queue: string; seq: number; attempt: number; visible_at: number }; reply: boolean };
  bury: { request: { now: number; queue: string; seq: number; attempt: number; reason: string }; reply: boolean };
  redrive: { request: { now: number; queue: string; seqs: readonly number[] }; reply: number };
}

export type ExchangeName = keyof Exchanges;

export type WireRequest = { [N in ExchangeName]: { name: N; body: Exchanges[N]['request'] } }[ExchangeName];

/** To the writer: numbered requests, or the end. */
export type ToWriter = readonly { readonly id: number; readonly request: WireRequest }[] | 'close';

export interface WireFailure {
  /** `input`: the caller's bug, becomes a `TypeError`. `storage`: the file could not do it. */
  readonly kind: 'input' | 'storage';
  readonly message: string;
  readonly retryable: boolean;
}

/** From the writer: one batch of answers for each group that was committed. */
export type FromWriter = readonly (
  | { readonly id: number; readonly reply: Exchanges[ExchangeName]['reply'] }
  | { readonly id: number; readonly failure: WireFailure }
)[];

/** Says that the file is open and migrated, or why not. */
export type WriterState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly name: string; readonly message: string };

export interface WriterOptions {
  readonly path: string;
  readonly bytes_max: number | undefined;
  readonly busy_ms: number;
}
