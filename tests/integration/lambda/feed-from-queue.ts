import { randomUUID } from 'node:crypto';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import type { LambdaServer } from './lambda-server.ts';

const visibility_s = 5;

/** An event source mapping: batches of one from the queue to the function; what it does not name as failed is deleted. */
export function feedFromQueue({
  client,
  url,
  server,
  function_name,
}: {
  client: SQSClient;
  url: string;
  server: LambdaServer;
  function_name: string;
}): { stop(): Promise<void> } {
  const end = new AbortController();
  const running = new Set<Promise<void>>();

  async function feed(message: Message): Promise<void> {
    const answer = await server.invoke(function_name, { Records: [recordOf(message)] });
    const { batchItemFailures = [] } = JSON.parse(answer.body.toString()) as { batchItemFailures?: object[] };
    if (answer.kind === 'error' || batchItemFailures.length > 0) return;
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle }));
  }

  const polling = (async () => {
    while (!end.signal.aborted) {
      const command = new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 1,
        WaitTimeSeconds: 1,
        VisibilityTimeout: visibility_s,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      });
      const { Messages = [] } = await client.send(command);
      for (const message of Messages) {
        // One that fails comes back when it is visible again.
        const work = feed(message)
          .catch(() => undefined)
          .finally(() => running.delete(work));
        running.add(work);
      }
    }
  })();

  return {
    async stop() {
      end.abort();
      await polling;
      await Promise.all(running);
    },
  };
}

function recordOf({ MessageId, ReceiptHandle, Body, Attributes, MessageAttributes = {} }: Message): object {
  const attributes = Object.entries(MessageAttributes).map(([name, { DataType, StringValue }]) => [
    name,
    { dataType: DataType, stringValue: StringValue },
  ]);
  return {
    messageId: MessageId ?? randomUUID(),
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: Attributes,
    messageAttributes: Object.fromEntries(attributes),
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:runs',
    awsRegion: 'us-east-1',
  };
}
