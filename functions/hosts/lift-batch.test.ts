import { describe, expect, test } from '@jest/globals';
import { liftBatch } from './lift-batch.ts';
import type { ItemOutcome } from './lift-batch.ts';
import type { RecordGraves } from '../adapters/sqs/event-records.ts';
import type { ReceivedMessage } from '../domain/ports/queue.ts';
import { lambdaLog } from './lambda-log.ts';
import { UnknownEventError } from './read-http-event.ts';
import { queueEvent, queueRecord, restEvent } from './testing/lambda-events.ts';
import { contextOf } from './testing/lambda-platform.ts';

function open(
  use: (message: ReceivedMessage, signal: AbortSignal) => Promise<ItemOutcome> | ItemOutcome,
  graves?: RecordGraves,
) {
  const lines: Record<string, unknown>[] = [];
  const letters: unknown[] = [];
  const handler = liftBatch({
    use: async (message, signal) => use(message, signal),
    letters: graves ?? { deadLetter: async (message, reason) => void letters.push({ ...message, reason }) },
    log: lambdaLog({ level: 'info', write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) }),
    margin_ms: 1_000,
  });
  return { handler, lines, letters };
}

const failedIds = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });

test('gives one message after the other, in their order', async () => {
  const order: string[] = [];
  const { handler } = open(async ({ id, body, attempt }) => {
    order.push(`begin ${id} ${body} ${attempt}`);
    await Promise.resolve();
    order.push(`end ${id}`);
    return { kind: 'done' };
  });
  expect(await handler(queueEvent('a', 'b'), contextOf())).toEqual(failedIds());
  expect(order).toEqual(['begin message-1 a 1', 'end message-1', 'begin message-2 b 1', 'end message-2']);
});

test('returns only the failed ids: a thrown error and a failed outcome, not their neighbours', async () => {
  const { handler, lines } = open(({ body }) => {
    if (body === 'b') throw new Error('the table is busy');
    return body === 'c' ? { kind: 'failed', reason: 'later' } : { kind: 'done' };
  });
  expect(await handler(queueEvent('a', 'b', 'c', 'd'), contextOf())).toEqual(failedIds('message-2', 'message-3'));
  expect(lines).toMatchObject([
    { level: 'ERROR', message_id: 'message-2', attempt: 1, invocation_id: 'invocation-1', err: { type: 'Error' } },
    { level: 'WARN', message_id: 'message-3', reason: 'later' },
  ]);
});

test('logs no payload', async () => {
  const { handler, lines } = open(() => ({ kind: 'poison', reason: 'malformed' }));
  await handler(queueEvent('a secret body'), contextOf());
  expect(lines).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain('secret');
});

describe('poison', () => {
  test('is buried at once with its reason, and does not come back', async () => {
    const { handler, letters } = open(() => ({ kind: 'poison', reason: 'malformed' }));
    const record = queueRecord('x', { messageId: 'm-9', attributes: { ApproximateReceiveCount: '3' } });
    expect(await handler({ Records: [record] }, contextOf())).toEqual(failedIds());
    expect(letters).toMatchObject([{ id: 'm-9', body: 'x', attempt: 3, reason: 'malformed' }]);
  });

  test('comes back when it could not be buried', async () => {
    const { handler } = open(() => ({ kind: 'poison', reason: 'malformed' }), {
      deadLetter: () => Promise.reject(new Error('no queue')),
    });
    expect(await handler(queueEvent('a'), contextOf())).toEqual(failedIds('message-1'));
  });

  test('keeps the group of a message', async () => {
    const { handler, letters } = open(() => ({ kind: 'poison', reason: 'malformed' }));
    const attributes = { ApproximateReceiveCount: '1', MessageGroupId: 'g-1' };
    await handler({ Records: [queueRecord('x', { attributes })] }, contextOf());
    expect(letters).toMatchObject([{ group: 'g-1' }]);
  });
});

test('a body that travelled as base64 is what was sent', async () => {
  const bodies: string[] = [];
  const { handler } = open(({ body }) => {
    bodies.push(body);
    return { kind: 'done' };
  });
  const note = { stringValue: 'base64', stringListValues: [], binaryListValues: [], dataType: 'String' };
  const record = queueRecord(Buffer.from('a\u0000b').toString('base64'), {
    messageAttributes: { 'signet-encoding': note },
  });
  await handler({ Records: [record, queueRecord('plain')] }, contextOf());
  expect(bodies).toEqual(['a\u0000b', 'plain']);
});

test('before the time is over messages are told to stop, and those after them go back untouched', async () => {
  const seen: string[] = [];
  const { handler, lines } = open(async ({ body }, signal) => {
    seen.push(body);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    return { kind: 'done' };
  });
  expect(await handler(queueEvent('a', 'b'), contextOf({ remaining_ms: 20 }))).toEqual(failedIds('message-2'));
  expect(seen).toEqual(['a']);
  expect(lines).toMatchObject([{ level: 'WARN', message_id: 'message-2' }]);
});

test.each([
  undefined,
  {},
  { Records: {} },
  { Records: [{}] },
  { Records: [queueRecord('x', { eventSource: 'aws:sns' })] },
  { Records: [queueRecord('x', { attributes: {} })] },
  restEvent(),
])('refuses what is no batch: %j', async (event) => {
  const { handler } = open(() => ({ kind: 'done' }));
  await expect(handler(event, contextOf())).rejects.toThrow(UnknownEventError);
});
