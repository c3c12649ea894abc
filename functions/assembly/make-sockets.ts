import type { ApiKeys } from '../domain/api-keys/api-keys.ts';
import type { Now } from '../domain/call.ts';
import { makeEventFeed } from '../domain/events/event-feed.ts';
import type { ToldLog } from '../domain/events/told-log.ts';
import { makeSocketHub, type SocketFacts, type SocketHub } from '../edge/socket/socket-hub.ts';
import type { NodeLog } from './node-log.ts';

/** The event sockets of a process that can hold some. */
export function makeSockets(parts: {
  told: ToldLog;
  apiKeys: Pick<ApiKeys, 'authenticate'>;
  facts: () => Promise<SocketFacts>;
  now: Now;
  log: NodeLog;
}): SocketHub {
  const { told, apiKeys, facts, now, log } = parts;
  const onError = (err: unknown): void => log.error({ err }, 'event sockets');
  return makeSocketHub({
    log: told,
    feed: makeEventFeed({ log: told, onError }),
    authenticate: (bearer) => apiKeys.authenticate(bearer),
    facts,
    now,
    onError,
  });
}
