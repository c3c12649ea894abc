import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { dynamoTable } from '../../../functions/adapters/dynamodb/dynamo-table.ts';
import { sqsQueue } from '../../../functions/adapters/sqs/sqs-queue.ts';
import { makeJobs } from '../../../functions/domain/jobs/make-jobs.ts';
import { queueEvent } from '../../../functions/hosts/testing/lambda-events.ts';
import { emulatorSettings } from '../emulator/emulator-clients.ts';
import type { FunctionAnswer } from './function-process.ts';
import { openStage } from './open-stage.ts';
import type { OpenedStage } from './open-stage.ts';

// The bundles as they are deployed, each in processes of its own, over tables, queues and keys of the emulator.

const events = join(import.meta.dirname, '../../../events');
const eventOf = (name: string, event: string): object =>
  JSON.parse(readFileSync(join(events, name, `${event}.json`), 'utf8')) as object;

let stage: OpenedStage;
let sqs: SQSClient;
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  const emulator_url = process.env['SIGNET_EMULATOR_URL'] ?? '';
  stage = await openStage({ emulator_url });
  [sqs, dynamodb] = [new SQSClient(emulatorSettings()), new DynamoDBClient(emulatorSettings())];
}, 60_000);

afterAll(async () => {
  sqs.destroy();
  dynamodb.destroy();
  await stage.stop();
});

/** What a gateway makes of a streamed answer. */
function read(answer: FunctionAnswer): { status: number; headers: Record<string, string[]>; body: string } {
  expect(answer.is_streamed).toBe(true);
  const end = answer.body.indexOf(Buffer.alloc(8));
  const prelude = JSON.parse(answer.body.subarray(0, end).toString()) as {
    statusCode: number;
    multiValueHeaders?: Record<string, string[]>;
  };
  return {
    status: prelude.statusCode,
    headers: prelude.multiValueHeaders ?? {},
    body: answer.body.subarray(end + 8).toString(),
  };
}

function jobsOfStage() {
  const { table, queue_runs, queue_runs_dlq } = stage.environment;
  const queue = sqsQueue({
    client: sqs,
    url: queue_runs,
    dead_letter_url: queue_runs_dlq,
    attempts_max: limits.queue.attempts_max,
  });
  const jobs = makeJobs({
    table: dynamoTable({ client: dynamodb, name: table }),
    queue,
    now: Date.now,
    newId: () => crypto.randomUUID(),
    random: Math.random,
    steps: new Map(),
  });
  return { jobs, queue };
}

/** A job of a run that is not there any more: its step has nothing to do, and the job is closed. */
async function aJob(): Promise<string> {
  const id = crypto.randomUUID();
  const { table } = stage.environment;
  const payload = { run_id: crypto.randomUUID(), tenant: 'main' };
  const job = { id, kind: 'run', tenant: 'main', principal: 'key-1', payload, depth: 0 };
  const operations = jobsOfStage().jobs.creation({ ...job, next_at: Date.now(), deadline_at: Date.now() + 3_600_000 });
  await dynamoTable({ client: dynamodb, name: table }).transact(operations, Date.now());
  return id;
}

describe('serve-api', () => {
  test('answers a chat with a receipt that it can show afterwards', async () => {
    const chat = read(await stage.server.invoke('serve-api', eventOf('serve-api', 'chat')));
    expect(chat.status).toBe(200);
    expect(JSON.parse(chat.body)).toMatchObject({
      choices: [{ message: { content: expect.stringContaining('Paris') } }],
    });
    const [id = ''] = chat.headers['signet-receipt'] ?? [];
    const asked = { ...eventOf('serve-api', 'chat'), httpMethod: 'GET', path: `/api/v1/receipts/${id}`, body: null };
    const receipt = read(await stage.server.invoke('serve-api', asked));
    // It waits for the log: nobody wakes a sealer here.
    expect(receipt.status).toBe(202);
    expect(Object.keys(JSON.parse(receipt.body) as object)).toEqual(['delegation', 'document', 'entry']);
  });

  test('streams: the prelude is out before the last event', async () => {
    const chunks: string[] = [];
    const answer = await stage.server.invoke('serve-api', eventOf('serve-api', 'chat-stream'), {
      onChunk: (chunk) => chunks.push(chunk.toString()),
    });
    expect(read(answer).body).toMatch(/data: \[DONE\]\n\n$/);
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks[0]).not.toContain('[DONE]');
  });

  test('keys of one environment are good in another: what it signed is read there', async () => {
    const made = read(await stage.server.invoke('serve-api', eventOf('serve-api', 'chat')));
    await stage.server.coolDown('serve-api');
    const [id = ''] = made.headers['signet-receipt'] ?? [];
    const asked = { ...eventOf('serve-api', 'chat'), httpMethod: 'GET', path: `/api/v1/receipts/${id}`, body: null };
    expect(read(await stage.server.invoke('serve-api', asked)).status).toBe(202);
  });

  test('fails an event that is no request', async () => {
    const answer = await stage.server.invoke('serve-api', eventOf('serve-api', 'invalid-event'));
    expect(answer.kind).toBe('error');
    expect(answer.body.toString()).toContain('UnknownEventError');
  });
});

describe('advance-run', () => {
  test('a poison message is buried with its reason, and redrives', async () => {
    const poison = `{"job":"misspelt ${crypto.randomUUID()}"}`;
    const answer = await stage.server.invoke('advance-run', queueEvent(poison));
    expect(JSON.parse(answer.body.toString())).toEqual({ batchItemFailures: [] });
    const { queue } = jobsOfStage();
    const { letters } = await queue.deadLetters({ limit: 100 });
    const letter = letters.find(({ body }) => body === poison);
    expect(letter).toMatchObject({ reason: 'malformed', attempts: 1 });
    expect(await queue.redrive([letter?.id ?? ''])).toBe(1);
    const { signal } = new AbortController();
    const [message] = await queue.receive({ max: 1, visibility_ms: 30_000, wait_ms: 5_000, signal });
    expect(message?.body).toBe(poison);
    await queue.complete(message?.handle ?? '');
  });

  test('a job delivered to several environments at once is taken by one', async () => {
    const id = await aJob();
    const event = queueEvent(JSON.stringify({ job_id: id }));
    const answers = await Promise.all([1, 2, 3].map(() => stage.server.invoke('advance-run', event)));
    for (const { body } of answers) expect(JSON.parse(body.toString())).toEqual({ batchItemFailures: [] });
    expect(await jobsOfStage().jobs.get(id)).toMatchObject({ attempt: 1, state: 'done' });
  });
});

describe('sweep-due', () => {
  test('wakes what is due', async () => {
    const id = await aJob();
    const answer = await stage.server.invoke('sweep-due', eventOf('sweep-due', 'each-minute'));
    const { woken } = JSON.parse(answer.body.toString()) as { woken: number };
    expect(woken).toBeGreaterThanOrEqual(1);
    const command = () =>
      new ReceiveMessageCommand({
        QueueUrl: stage.environment.queue_runs,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
      });
    const bodies: string[] = [];
    for (let tries = 0; tries < 10 && !bodies.some((body) => body.includes(id)); tries += 1) {
      const { Messages = [] } = await sqs.send(command());
      bodies.push(...Messages.map(({ Body = '' }) => Body));
    }
    expect(bodies).toContain(JSON.stringify({ job_id: id }));
  });

  test('fails an event that no schedule sends', async () => {
    const answer = await stage.server.invoke('sweep-due', eventOf('sweep-due', 'invalid-event'));
    expect(answer.kind).toBe('error');
  });
});
