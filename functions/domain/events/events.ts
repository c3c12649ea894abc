import type { Call } from '../call.ts';
import type { EntryEvent } from './event-of.ts';
import type { Topic } from './topics.ts';

export type FollowedEvent =
  | ({
      readonly kind: 'event';
      /** Index of its entry in the log: order, and where to go on. */
      readonly seq: number;
      /** The same when it is delivered again. */
      readonly id: string;
      /** Id of its entry. */
      readonly receipt_id?: string;
      /** What to give as `after` once it is handled: an entry may make several events, so this may lag behind `seq`. */
      readonly cursor: number;
    } & Omit<EntryEvent, 'topic'> & { readonly topic: Topic })
  /** What followed the cursor is too old to be told; events go on from `oldest`. */
  | { readonly kind: 'reset'; readonly oldest: number };

export interface FollowRequest {
  readonly topics: readonly Topic[];
  /** The last `seq` that was seen; absent: only what is sealed from now on. */
  readonly after?: number;
}

/**
 * Events made from sealed entries, so that order and resume need no counter of their own and survive a restart. Delivered
 * at least once; a caller hears of its own tenant and of the node itself, of nobody else.
 */
export interface Events {
  /** @throws {SignetError} 403 for a topic that needs a scope which the caller lacks, 501 where nobody seals */
  follow(call: Call, request: FollowRequest): AsyncIterable<FollowedEvent>;
}
