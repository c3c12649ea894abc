import { z } from '@hono/zod-openapi';
import { topics, type Topic } from '../../domain/events/topics.ts';
import { SignetError } from '../../domain/errors.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { eventPieces } from '../event-pieces.ts';
import { reportStream } from '../stream-failure.ts';

const list = topics.join(', ');

export const eventEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/events',
    summary: 'What happens here, made from the entries of the log: server-sent events, resumable by their number',
    access: 'events',
    streams: true,
    query: z.strictObject({
      topics: z
        .string()
        .max(512)
        .refine((text) => text.split(',').every(isTopic), `expected some of ${list}, separated by commas`)
        .openapi({ description: `some of ${list}; each needs the scope by which the thing itself is read` }),
      cursor: z
        .string()
        .regex(/^(-1|0|[1-9]\d{0,14})$/, 'expected the number of an event, or -1')
        .transform(Number)
        .optional()
        .openapi({
          type: 'integer',
          description: 'the last number seen, -1 for all that is told; `last-event-id` stands above it',
        }),
    }),
    answers: {
      200: { description: 'events by topic, or `reset`', type: 'text/event-stream', schema: z.string() },
    },
    handle: ({ services, call, query, header }) => {
      const wanted = [...new Set(query.topics.split(','))] as readonly Topic[];
      const last = header('last-event-id');
      const after = last === undefined ? query.cursor : eventNumber(last);
      const events = services.events.follow(call, { topics: wanted, ...(after === undefined ? {} : { after }) });
      return Promise.resolve({
        kind: 'stream',
        status: 200,
        headers: {},
        events: eventPieces(events, reportStream(services, call)),
      });
    },
  }),
];

function isTopic(text: string): text is Topic {
  return (topics as readonly string[]).includes(text);
}

function eventNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new SignetError({ code: 'invalid_request', detail: 'expected the number of an event', param: 'last-event-id' });
}
