import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { SQSClient, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import { UnprocessedError } from '../aws/call-failure.ts';
import { repeatCall } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';

export type Entry = Omit<SendMessageBatchRequestEntry, 'Id'>;

const batch_max = 10;
/** One message may be that long; no batch needs to be longer. */
const batch_bytes_max = 262_144;

/** Sends all, in order, and sends again what a batch left out. */
export async function sendEntries(
  client: SQSClient,
  { url, entries, rules }: { url: string; entries: readonly Entry[]; rules: RepeatRules },
): Promise<void> {
  for (const batch of batches(entries)) {
    let waiting = batch.map((entry, index) => ({ ...entry, Id: String(index) }));
    await repeatCall(
      async () => {
        const command = new SendMessageBatchCommand({ QueueUrl: url, Entries: waiting });
        const { Failed = [] } = await client.send(command);
        if (Failed.length === 0) return;
        const fault = Failed.find(({ SenderFault }) => SenderFault === true);
        if (fault !== undefined) throw new Error(`the queue refuses a message: \`${fault.Code}\``);
        const failed = new Set(Failed.map(({ Id }) => Id));
        waiting = waiting.filter(({ Id }) => failed.has(Id));
        throw new UnprocessedError('some messages were left out');
      },
      { rules },
    );
  }
}

function batches(entries: readonly Entry[]): Entry[][] {
  const all: Entry[][] = [];
  let bytes = Infinity;
  for (const entry of entries) {
    const more = Buffer.byteLength(entry.MessageBody ?? '');
    const last = all.at(-1);
    if (last === undefined || last.length >= batch_max || bytes + more > batch_bytes_max) {
      all.push([entry]);
      bytes = more;
    } else {
      last.push(entry);
      bytes += more;
    }
  }
  return all;
}
