import { CreateQueueCommand, DeleteQueueCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { newName } from './emulator-clients.ts';

export interface NewQueue {
  readonly url: string;
  readonly dead_letter_url: string;
  readonly remove: () => Promise<void>;
}

/** An empty queue of its kind, with its dead-letter queue. */
export async function newQueue(client: SQSClient, kind: 'standard' | 'fifo'): Promise<NewQueue> {
  const stem = newName('signet-queue');
  const [url, dead_letter_url] = await Promise.all([create(client, stem, kind), create(client, `${stem}-dlq`, kind)]);
  return {
    url,
    dead_letter_url,
    async remove() {
      await client.send(new DeleteQueueCommand({ QueueUrl: url }));
      await client.send(new DeleteQueueCommand({ QueueUrl: dead_letter_url }));
    },
  };
}

async function create(client: SQSClient, stem: string, kind: 'standard' | 'fifo'): Promise<string> {
  const fifo = kind === 'fifo' ? { FifoQueue: 'true' } : {};
  const command = new CreateQueueCommand({
    QueueName: kind === 'fifo' ? `${stem}.fifo` : stem,
    // A dead letter is a message of full length and its notes.
    Attributes: { MaximumMessageSize: '1048576', ...fifo },
  });
  const { QueueUrl = '' } = await client.send(command);
  return QueueUrl;
}
