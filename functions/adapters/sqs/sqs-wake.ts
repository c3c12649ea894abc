import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SendWake } from '../../domain/ledger/wake-sealer.ts';
import { usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { explained } from './queue-failure.ts';
import { sendEntries } from './send-entries.ts';

/** Wake-ups into a FIFO queue that delays what it takes by a second. Throws `QueueUnavailableError`. */
export function sqsWake({
  client,
  url,
  rules,
}: {
  /** Made with `client_settings`: it must not repeat calls by itself. */
  client: SQSClient;
  url: string;
  rules?: Partial<RepeatRules>;
}): SendWake {
  return async ({ group, once }) => {
    const entry = { MessageBody: '{}', MessageGroupId: group, MessageDeduplicationId: once };
    await explained('send', () => sendEntries(client, { url, entries: [entry], rules: { ...usual_rules, ...rules } }));
  };
}
