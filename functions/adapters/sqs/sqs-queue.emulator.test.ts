import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { failBy } from '../../../tests/integration/emulator/failing-client.ts';
import { newQueue } from '../../../tests/integration/emulator/new-queue.ts';
import type { NewQueue } from '../../../tests/integration/emulator/new-queue.ts';
import { QueueUnavailableError } from '../../domain/ports/queue.ts';
import { sqsQueue } from './sqs-queue.ts';

const { signal } = new AbortController();
const receive_all = { max: 10, visibility_ms: 30_000, wait_ms: 0, signal };

describe.each(['standard', 'fifo'] as const)('an SQS queue, %s', (kind) => {
  let client: SQSClient;
  let made: NewQueue;

  beforeEach(async () => {
    client = new SQSClient(emulatorSettings());
    made = await newQueue(client, kind);
  });
  afterEach(async () => {
    await made.remove();
    client.destroy();
  });

  const open = (from = client, deadline_ms = 2000) => {
    const { url, dead_letter_url } = made;
    return sqsQueue({ client: from, url, dead_letter_url, attempts_max: 3, rules: { deadline_ms, wait_ms_base: 2 } });
  };

  test('carries what SQS refuses in a body, and in the reason of a death', async () => {
    const queue = open();
    const body = 'a\u0000\u0001\ufffe\uffff🙂';
    await queue.send([{ body }]);
    const [message] = await queue.receive(receive_all);
    expect(message?.body).toBe(body);
    expect(await queue.deadLetter(message?.handle ?? '', '\u0001')).toBe('dead');
    const { letters } = await queue.deadLetters({ limit: 1 });
    expect(letters).toMatchObject([{ body, reason: '\ufffd' }]);
    expect(await queue.redrive(letters.map(({ id }) => id))).toBe(1);
    expect(await queue.receive(receive_all)).toMatchObject([{ body, attempt: 1 }]);
  });

  test('sends again what a batch left out, each message once', async () => {
    const failing = new SQSClient(emulatorSettings());
    failBy(failing, (command) => (command === 'SendMessageBatchCommand' ? 'partial' : undefined));
    const bodies = Array.from({ length: 8 }, (_, n) => `${n}`);
    // The last one of a batch is always left out.
    await expect(open(failing, 100).send(bodies.map((body) => ({ body })))).rejects.toThrow(QueueUnavailableError);
    expect((await open().receive(receive_all)).map(({ body }) => body).toSorted()).toEqual(bodies.slice(0, 7));
    failing.destroy();
  });

  test('takes ten of the longest messages at once', async () => {
    const body = 'x'.repeat(262_144);
    await open().send(Array.from({ length: 10 }, () => ({ body })));
    const messages = await open().receive(receive_all);
    expect(messages.map((message) => message.body.length)).toEqual(Array.from({ length: 10 }, () => 262_144));
  });

  test('shows as attempts exhausted what the queue itself moved, and redrives it', async () => {
    const arn = async (QueueUrl: string) => {
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
      return (await client.send(command)).Attributes?.QueueArn;
    };
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: await arn(made.dead_letter_url), maxReceiveCount: 1 });
    await client.send(new SetQueueAttributesCommand({ QueueUrl: made.url, Attributes: { RedrivePolicy } }));
    await open().send([{ body: 'x' }]);
    const look = new ReceiveMessageCommand({ QueueUrl: made.url, VisibilityTimeout: 1 });
    await client.send(look);
    await sleep(1200);
    await client.send(look);
    const { letters } = await open().deadLetters({ limit: 10 });
    expect(letters).toMatchObject([{ body: 'x', reason: 'attempts_exhausted' }]);
    expect(await open().redrive(letters.map(({ id }) => id))).toBe(1);
    expect(await open().receive(receive_all)).toMatchObject([{ body: 'x', attempt: 1 }]);
    expect(await open().deadLetters({ limit: 10 })).toEqual({ letters: [] });
  });

  test('takes messages that another program sent', async () => {
    const order = kind === 'fifo' ? { MessageGroupId: 'g', MessageDeduplicationId: 'd' } : {};
    await client.send(new SendMessageCommand({ QueueUrl: made.url, MessageBody: 'plain', ...order }));
    expect(await open().receive(receive_all)).toMatchObject([{ body: 'plain', attempt: 1 }]);
  });

  test.each(['complete', 'release'] as const)('counts a %s that was carried out unheard as done', async (verb) => {
    const failing = new SQSClient(emulatorSettings());
    const done = new Set<string>();
    failBy(failing, (command) => {
      if (!/^(Delete|ChangeMessageVisibility)/.test(command) || done.has(command)) return undefined;
      done.add(command);
      return 'unheard';
    });
    const queue = open(failing);
    await queue.send([{ body: 'x' }]);
    const [{ handle } = { handle: '' }] = await queue.receive(receive_all);
    const result = verb === 'complete' ? await queue.complete(handle) : await queue.release(handle, 0);
    expect(result).toBe(`${verb}d`);
    expect(done.size).toBe(1);
    failing.destroy();
  });

  test('that is not there is unavailable', async () => {
    const none = sqsQueue({ client, url: `${made.url}-none`, dead_letter_url: made.dead_letter_url, attempts_max: 3 });
    await expect(none.send([{ body: 'x' }])).rejects.toMatchObject({ operation: 'send', retryable: false });
  });
});

test('an ordered queue keeps a message until it is due, its group waits, and that is no attempt', async () => {
  const client = new SQSClient(emulatorSettings());
  const { url, dead_letter_url, remove } = await newQueue(client, 'fifo');
  const queue = sqsQueue({ client, url, dead_letter_url, attempts_max: 3 });
  await queue.send([
    { body: '1', group: 'g', delay_ms: 1000 },
    { body: '2', group: 'g' },
  ]);
  expect(await queue.receive(receive_all)).toEqual([]);
  await sleep(1300);
  const messages = await queue.receive(receive_all);
  expect(messages).toMatchObject([{ body: '1', attempt: 1, group: 'g' }]);
  await queue.complete(messages[0]?.handle ?? '');
  expect(await queue.receive(receive_all)).toMatchObject([{ body: '2', attempt: 1 }]);
  await remove();
  client.destroy();
});
