import type { Call, Now } from '../call.ts';
import { nodeTenant } from '../content/keys.ts';
import { SignetError } from '../errors.ts';
import type { Log, LogHead } from '../ledger/log.ts';
import type { VerifyCompute } from '../ports/compute.ts';
import type { Table } from '../ports/table.ts';
import { indexKey } from '../receipts/keys.ts';
import { readEntry } from '../receipts/read-entry.ts';
import { eventsOf } from './event-of.ts';
import type { Events, FollowedEvent, FollowRequest } from './events.ts';
import { topicScopes } from './topics.ts';

/** Follows the log by looking at its head; the contract is in `events.ts`. */
export function makeEvents({
  log,
  verify,
  table,
  now,
  look_every_ms = 250,
  follow_ms_max = 900_000,
}: {
  log: Pick<Log, 'head' | 'entry'> | undefined;
  verify: Pick<VerifyCompute, 'readEnvelopes'>;
  table: Table;
  now: Now;
  look_every_ms?: number;
  /** A stream ends after this long and is begun anew with its cursor: a key that was revoked hears no more by then. */
  follow_ms_max?: number;
}): Events {
  return {
    follow(call, request) {
      checkTopics(call, request);
      if (log === undefined) {
        const detail = 'events are made from a sealed log, and nobody seals this one';
        throw new SignetError({ code: 'not_built', reason: 'feature.off', detail });
      }
      return followed(call, request, log);
    },
  };

  async function* followed(
    call: Call,
    { topics, after }: FollowRequest,
    source: Pick<Log, 'head' | 'entry'>,
  ): AsyncGenerator<FollowedEvent, void, void> {
    const until = now() + follow_ms_max;
    const wanted = new Set<string>(topics);
    let head = await source.head();
    let next = after === undefined ? head.size : after + 1;
    if (after !== undefined && next < head.size) {
      const oldest = await oldestTold(source, head.size);
      if (next < oldest) {
        next = oldest;
        yield { kind: 'reset', oldest };
      }
    }
    for (;;) {
      const from = next;
      for (; next < head.size; next += 1) {
        if (call.signal.aborted) return;
        const entry = await source.entry(next);
        // Counted and not published yet: it is there at the next look.
        if (entry === undefined) break;
        const events = eventsOf(entry).filter(({ topic }) => wanted.has(topic));
        const receipt_id = events.length === 0 ? '' : await idOf(entry);
        if (events.length === 0 || !(await isFor(call, receipt_id))) continue;
        for (const [at, event] of events.entries()) {
          if (call.signal.aborted) return;
          const cursor = at === events.length - 1 ? next : next - 1;
          yield { kind: 'event', seq: next, id: `${receipt_id}.${event.topic}`, receipt_id, cursor, ...event };
        }
      }
      if (call.signal.aborted) return;
      if (next > from && next === head.size && wanted.has('ledger.sealed')) yield sealedEvent(head, now());
      if (now() >= until || !(await waited(look_every_ms, call.signal))) return;
      head = await source.head();
    }
  }

  async function idOf(entry: Uint8Array): Promise<string> {
    const [read] = await verify.readEnvelopes([entry]);
    if (read?.ok !== true) throw new Error('an entry of the log is no envelope');
    return read.id;
  }

  /** By the row that was written with the entry: not every statement names a tenant. */
  async function isFor(call: Call, id: string): Promise<boolean> {
    const tenant = (await table.get(indexKey(id), now()))?.['tenant'];
    return tenant === call.principal.tenant || tenant === nodeTenant;
  }

  /** The first index that is not older than a week; entries stand in the order of their seconds, or nearly so. */
  async function oldestTold(source: Pick<Log, 'entry'>, size: number): Promise<number> {
    const horizon_s = Math.floor((now() - told_ms) / 1000);
    let [low, high] = [0, size];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const entry = await source.entry(middle);
      const iat = entry === undefined ? undefined : readEntry(entry)?.predicate['iat'];
      if (typeof iat === 'number' && iat < horizon_s) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const told_ms = 7 * 86_400_000;

function checkTopics({ principal }: Call, { topics }: FollowRequest): void {
  for (const topic of topics) {
    const scope = topicScopes[topic];
    if (principal.scopes.includes(scope)) continue;
    throw new SignetError({
      code: 'policy_denied',
      detail: `the topic \`${topic}\` needs the scope \`${scope}\``,
      param: 'topics',
    });
  }
}

function sealedEvent({ size, root }: LogHead, now: number): FollowedEvent {
  const id = `${size}-${root}`;
  return {
    kind: 'event',
    topic: 'ledger.sealed',
    seq: size - 1,
    cursor: size - 1,
    id,
    occurred_at: Math.floor(now / 1000),
    subject: 'log',
    data: { size, root },
  };
}

/** False when the signal aborted first. */
function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (isOver: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      resolve(isOver);
    };
    const abort = (): void => end(false);
    const timer = setTimeout(() => end(true), ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}
