import type { LogHead } from '../ledger/log.ts';
import type { EntryEvent } from './event-of.ts';
import type { Topic } from './topics.ts';

/** That the log grew: the one event that no entry makes. */
export type SealedEvent = Omit<EntryEvent, 'topic'> & {
  readonly topic: 'ledger.sealed';
  /** Index of the newest entry; -1 of an empty log. */
  readonly seq: number;
  readonly id: string;
};

/** @param now Unix milliseconds */
export function sealedEvent({ size, root }: Pick<LogHead, 'size' | 'root'>, now: number): SealedEvent {
  return {
    topic: 'ledger.sealed',
    seq: size - 1,
    id: `${size}-${root}`,
    occurred_at: Math.floor(now / 1000),
    subject: 'log',
    data: { size, root },
  };
}

/** The same whenever an event of this entry is delivered again. */
export function eventId(receipt_id: string, topic: Topic): string {
  return `${receipt_id}.${topic}`;
}
