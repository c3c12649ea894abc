import { isSignetError, SignetError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { topics, type Topic } from '../../domain/events/topics.ts';
import { parseStrictJson, StrictJsonError } from '../strict-json.ts';

/** What a client may send. */
export type SocketRequest =
  | { readonly type: 'ping' }
  | { readonly type: 'status' }
  | { readonly type: 'subscribe'; readonly topic: Topic; readonly cursor?: number }
  | { readonly type: 'unsubscribe'; readonly topic: Topic };

/**
 * Reads one text message: strict JSON, an object with `type` and exactly the members of that type.
 * @throws {SignetError} `invalid_json`, `invalid_request`, or `not_built` for a topic that is named and not built
 */
export function readMessage(bytes: Uint8Array): SocketRequest {
  const message = objectOf(bytes);
  const type = typeof message['type'] === 'string' ? message['type'] : '';
  switch (type) {
    case 'ping':
    case 'status':
      only(message, ['type']);
      return { type };
    case 'subscribe': {
      only(message, ['type', 'topic', 'cursor']);
      const cursor = cursorOf(message['cursor']);
      return { type, topic: topicOf(message['topic']), ...(cursor === undefined ? {} : { cursor }) };
    }
    case 'unsubscribe':
      only(message, ['type', 'topic']);
      return { type, topic: topicOf(message['topic']) };
    default:
      throw invalid('expected `type` to be ping, subscribe, unsubscribe or status', 'type');
  }
}

const depth_max = 4;

function objectOf(bytes: Uint8Array): JsonObject {
  let value: Json;
  try {
    value = parseStrictJson(bytes, depth_max);
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    throw new SignetError({ code: 'invalid_json', reason: error.reason, detail: error.message });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw invalid('expected a JSON object');
}

function only(message: JsonObject, names: readonly string[]): void {
  const unknown = Object.keys(message).find((name) => !names.includes(name));
  if (unknown !== undefined) throw invalid(`expected nothing but ${names.join(', ')}`, unknown.slice(0, 64));
}

function cursorOf(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  // Before the first entry stands -1: whoever subscribed to an empty log was given it.
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= -1) return value;
  throw invalid('expected `cursor` to be the number of an event', 'cursor');
}

function topicOf(value: unknown): Topic {
  if (typeof value !== 'string') throw invalid('expected `topic` to be a text', 'topic');
  if ((topics as readonly string[]).includes(value)) return value as Topic;
  const missing = missingTopics.find(([form]) => form.test(value))?.[1];
  if (missing === undefined) throw invalid(`expected one of ${topics.join(', ')}`, 'topic');
  throw new SignetError({
    code: 'not_built',
    reason: 'feature.off',
    detail: `not built yet: ${missing}`,
    param: 'topic',
  });
}

/** Topics that come with parts which this build does not have. */
const missingTopics = [
  [/^bus:/, 'the bus'],
  [/^peer\./, 'federation'],
  [/^pattern\.elevated$/, 'federation'],
] as const;

function invalid(detail: string, param?: string): SignetError {
  return new SignetError({ code: 'invalid_request', detail, ...(param === undefined ? {} : { param }) });
}

/** An error as a message; what nobody foresaw says nothing of itself. */
export function errorMessage(error: unknown): JsonObject {
  if (!isSignetError(error)) return { type: 'error', code: 'internal', detail: 'an error of ours' };
  const { code, detail, reason, param } = error.public;
  return {
    type: 'error',
    code,
    detail,
    ...(reason === undefined ? {} : { reason }),
    ...(param === undefined ? {} : { param }),
  };
}
