import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';

export type MessageAttributes = Record<string, MessageAttributeValue>;

/** Attributes that carry what a body cannot; all are strings. */
export type Notes = { readonly [name: string]: string | undefined };

const encoding_name = 'signet-encoding';
/** Unix milliseconds before which an ordered queue's message is sent away. */
export const not_before_name = 'signet-not-before';
/** Of a message that has a group only because its queue wants one of everything. */
export const alone_name = 'signet-alone';
// SQS takes the characters of XML 1.0.
const unsendable = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** A body with characters that SQS refuses travels as base64, and says so. */
export function toMessage(body: string, notes: Notes): { MessageBody: string; MessageAttributes?: MessageAttributes } {
  const is_plain = body.search(unsendable) < 0;
  const all: Notes = is_plain ? notes : { ...notes, [encoding_name]: 'base64' };
  const attributes: [string, MessageAttributeValue][] = Object.entries(all).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, { DataType: 'String', StringValue: text }]],
  );
  return {
    MessageBody: is_plain ? body : Buffer.from(body).toString('base64'),
    ...(attributes.length > 0 ? { MessageAttributes: Object.fromEntries(attributes) } : {}),
  };
}

export function fromMessage(message: Pick<Message, 'Body' | 'MessageAttributes'>): string {
  const body = message.Body ?? '';
  return noteOf(message, encoding_name) === 'base64' ? Buffer.from(body, 'base64').toString() : body;
}

export function noteOf(message: Pick<Message, 'MessageAttributes'>, name: string): string | undefined {
  return message.MessageAttributes?.[name]?.StringValue;
}

/** Free text as an attribute: never empty, no character that SQS refuses, at most 1,024 of them. */
export function toNote(text: string): string {
  return text.replace(unsendable, '\ufffd').slice(0, 1024).toWellFormed() || 'unspecified';
}
