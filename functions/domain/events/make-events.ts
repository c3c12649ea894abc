import type { Call, Now } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { Events, FollowedEvent, FollowRequest } from './events.ts';
import { eventId, sealedEvent } from './sealed-event.ts';
import { isToldTo, type ToldEntry, type ToldLog } from './told-log.ts';
import { topicScopes } from './topics.ts';

/** Follows the log by looking at its head; the contract is in `events.ts`. */
export function makeEvents({
  log,
  now,
  look_every_ms = 250,
  follow_ms_max = 900_000,
}: {
  /** Absent where nobody seals. */
  log: ToldLog | undefined;
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
    source: ToldLog,
  ): AsyncGenerator<FollowedEvent, void, void> {
    const until = now() + follow_ms_max;
    const wanted = new Set<string>(topics);
    let head = await source.head();
    let next = after === undefined ? head.size : after + 1;
    if (after !== undefined && next < head.size) {
      const oldest = await source.oldest(head.size);
      if (next < oldest) {
        next = oldest;
        yield { kind: 'reset', oldest };
      }
    }
    for (;;) {
      const from = next;
      while (next < head.size) {
        if (call.signal.aborted) return;
        const entries = await source.read(next, head.size);
        // Counted and not published yet: it is there at the next look.
        if (entries.length === 0) break;
        for (const entry of entries) {
          for (const event of toldBy(entry, wanted, call)) {
            if (call.signal.aborted) return;
            yield event;
          }
          next = entry.seq + 1;
        }
      }
      if (call.signal.aborted) return;
      if (next > from && next === head.size && wanted.has('ledger.sealed')) {
        const { seq, ...event } = sealedEvent(head, now());
        yield { kind: 'event', seq, cursor: seq, ...event };
      }
      if (now() >= until || !(await waited(look_every_ms, call.signal))) return;
      head = await source.head();
    }
  }
}

function toldBy(entry: ToldEntry, wanted: ReadonlySet<string>, { principal }: Call): readonly FollowedEvent[] {
  if (!isToldTo(entry, principal.tenant)) return [];
  const { seq, receipt_id = '' } = entry;
  const events = entry.events.filter(({ topic }) => wanted.has(topic));
  return events.map((event, at) => {
    const cursor = at === events.length - 1 ? seq : seq - 1;
    return { kind: 'event', seq, id: eventId(receipt_id, event.topic), receipt_id, cursor, ...event };
  });
}

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
