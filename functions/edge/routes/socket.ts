import { SignetError } from '../../domain/errors.ts';
import { topics } from '../../domain/events/topics.ts';
import { emptyAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';

export const socketEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/ws',
    summary: `Becomes a WebSocket of events, resumable by topic: ${topics.join(', ')}`,
    access: 'events',
    streams: true,
    answers: {
      101: { description: 'a socket; its messages stand in docs/api.md' },
      426: { description: 'the request does not ask for a WebSocket' },
    },
    handle: ({ services, call, header, origin, acceptSocket }) => {
      if (services.sockets === undefined) {
        const detail =
          'no sockets here yet: the same events are server-sent at GET /api/v1/events where the log is sealed';
        throw new SignetError({ code: 'not_built', reason: 'feature.off', detail });
      }
      if (acceptSocket === undefined) {
        throw new SignetError({ code: 'upgrade_required', detail: 'expected `upgrade: websocket`' });
      }
      // A page of another site must not speak for whoever opened it; other clients send no origin.
      const page = header('origin');
      if (page !== undefined && page !== origin()) {
        throw new SignetError({
          code: 'policy_denied',
          detail: 'expected a page of this very origin',
          param: 'origin',
        });
      }
      acceptSocket(call.principal);
      return Promise.resolve(emptyAnswer());
    },
  }),
];
