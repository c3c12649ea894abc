import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { OutgoingMessage } from './queue.ts';

const delay_ms_max = 900_000;
const visibility_ms_max = 43_200_000;

/** What every adapter of `Queue` refuses before it touches its storage: each throws `TypeError`, the caller's bug. */
export function checkMessages(messages: readonly OutgoingMessage[]): void {
  const { batch_max, message_bytes_max } = limits.queue;
  if (messages.length < 1 || messages.length > batch_max) {
    throw new TypeError(`expected 1 to ${batch_max} messages, got ${messages.length}`);
  }
  for (const { body, delay_ms = 0, group } of messages) {
    if (!body.isWellFormed()) throw new TypeError('expected a message without lone surrogates');
    const bytes = Buffer.byteLength(body);
    if (bytes === 0 || bytes > message_bytes_max) {
      throw new TypeError(`expected a message of 1 to ${message_bytes_max} bytes, got ${bytes}`);
    }
    checkDelay(delay_ms);
    if (group !== undefined && !/^[\x21-\x7e]{1,128}$/.test(group)) {
      throw new TypeError('expected `group` to be 1 to 128 visible ASCII characters');
    }
  }
}

export function checkDelay(delay_ms: number): void {
  checkWhole('delay_ms', delay_ms, 0, delay_ms_max);
}

export function checkReceive(request: { max: number; visibility_ms: number; wait_ms: number }): void {
  checkWhole('max', request.max, 1, limits.queue.batch_max);
  checkWhole('visibility_ms', request.visibility_ms, 1, visibility_ms_max);
  checkWhole('wait_ms', request.wait_ms, 0, visibility_ms_max);
}

function checkWhole(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new TypeError(`expected \`${name}\` to be a whole number from ${least} to ${most}, got ${value}`);
  }
}
