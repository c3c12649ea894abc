import { randomUUID } from 'node:crypto';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { checkMessages } from '../../domain/ports/queue-rules.ts';
import type { OutgoingMessage, Queue } from '../../domain/ports/queue.ts';
import { usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { alone_name, not_before_name, toMessage } from './message-text.ts';
import { explained } from './queue-failure.ts';
import { sendEntries } from './send-entries.ts';
import type { Entry } from './send-entries.ts';

/** The sending half of the Queue port: all that is needed where an event source mapping receives. */
export function sqsSender({
  client,
  url,
  now = Date.now,
  rules,
}: {
  /** Made with `client_settings`: it must not repeat calls by itself. */
  client: SQSClient;
  /** One that ends in `.fifo` keeps the order of groups; another takes no groups. */
  url: string;
  /** Unix milliseconds. Default: the system's clock. */
  now?: () => number;
  rules?: Partial<RepeatRules>;
}): Pick<Queue, 'send'> {
  const keeps_order = url.endsWith('.fifo');
  return {
    async send(messages) {
      checkMessages(messages);
      if (!keeps_order && messages.some(({ group }) => group !== undefined)) {
        throw new TypeError('expected no `group`: this queue keeps no order');
      }
      const entries = messages.map((message) => entryOf(message, { keeps_order, now: now() }));
      await explained('send', () => sendEntries(client, { url, entries, rules: { ...usual_rules, ...rules } }));
    },
  };
}

/** A message as its queue takes it. */
export function entryOf(
  { body, delay_ms = 0, group }: OutgoingMessage,
  { keeps_order, now }: { keeps_order: boolean; now: number },
): Entry {
  if (!keeps_order) return { ...toMessage(body, {}), ...(delay_ms > 0 ? { DelaySeconds: seconds(delay_ms) } : {}) };
  // Ordered queues delay no single message: it is sent away at its first delivery.
  const id = randomUUID();
  const notes = {
    [not_before_name]: delay_ms > 0 ? String(now + delay_ms) : undefined,
    // They want a group of everything, too.
    [alone_name]: group === undefined ? 'yes' : undefined,
  };
  return { ...toMessage(body, notes), MessageGroupId: group ?? id, MessageDeduplicationId: id };
}

/** Rounded up: SQS knows whole seconds, and nothing comes early. */
export function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
