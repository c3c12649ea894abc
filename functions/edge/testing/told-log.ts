import type { ToldEntry, ToldLog } from '../../domain/events/told-log.ts';
import type { Topic } from '../../domain/events/topics.ts';

/** A log that a test appends to; what is appended is sealed at once. */
export function plainToldLog(): ToldLog & {
  /** @param more text of so many characters in the event's data */
  append(request?: { topic?: Topic; tenant?: string; more?: number }): number;
  /** First entry that is still told. */
  oldest_index: number;
} {
  const entries: ToldEntry[] = [];
  const log = {
    oldest_index: 0,
    append({
      topic = 'run.completed',
      tenant = 'default',
      more = 0,
    }: { topic?: Topic; tenant?: string; more?: number } = {}) {
      const seq = entries.length;
      const event = { topic, occurred_at: 1, subject: `s${seq}`, data: more === 0 ? {} : { text: 'x'.repeat(more) } };
      entries.push({ seq, events: [event], receipt_id: `r${seq}`, tenant });
      return seq;
    },
    head: async () => ({ size: entries.length, root: `root-${entries.length}`, counts: {} }),
    read: async (from: number, to: number) => entries.slice(from, Math.min(to, from + 256)),
    oldest: async () => log.oldest_index,
  };
  return log;
}
