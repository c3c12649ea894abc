import { expect, test } from '@jest/globals';
import { messageOf } from './event-records.ts';

const record = {
  messageId: '6f9b',
  receiptHandle: 'AQEB',
  body: '{"job_id":"1"}',
  attributes: { ApproximateReceiveCount: '3', SentTimestamp: '1' },
  messageAttributes: {},
};

test('a record is the message that it carries', () => {
  expect(messageOf(record)).toEqual({ id: '6f9b', body: '{"job_id":"1"}', attempt: 3, handle: 'AQEB' });
});

test('a body that SQS would refuse comes out of its base64', () => {
  const body = Buffer.from('a\u0000b').toString('base64');
  const messageAttributes = { 'signet-encoding': { dataType: 'String', stringValue: 'base64' } };
  expect(messageOf({ ...record, body, messageAttributes }).body).toBe('a\u0000b');
});

test('a group counts unless the queue alone wanted one', () => {
  const attributes = { ApproximateReceiveCount: '1', MessageGroupId: 'g' };
  expect(messageOf({ ...record, attributes }).group).toBe('g');
  const messageAttributes = { 'signet-alone': { dataType: 'String', stringValue: 'yes' } };
  expect(messageOf({ ...record, attributes, messageAttributes })).not.toHaveProperty('group');
});

test('a record of another program, with the least that there may be, is a first delivery', () => {
  const { messageAttributes: _, ...bare } = record;
  expect(messageOf({ ...bare, attributes: {} })).toMatchObject({ attempt: 1 });
});
