import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { dynamoTable } from '../../../functions/adapters/dynamodb/dynamo-table.ts';
import { sqsQueue } from '../../../functions/adapters/sqs/sqs-queue.ts';
import { dueShard } from '../../../functions/domain/jobs/keys.ts';
import { makeJobs } from '../../../functions/domain/jobs/make-jobs.ts';
import type { Table } from '../../../functions/domain/ports/table.ts';
import { emulatorSettings } from './emulator-clients.ts';
import { newQueue } from './new-queue.ts';
import type { NewQueue } from './new-queue.ts';
import { newTable } from './new-table.ts';
import type { Work } from './writer.child.ts';

// What two instances in one process cannot show: nothing but the service stands between the writers.

const program = fileURLToPath(new URL('./writer.child.ts', import.meta.url));
const processes = 4;

let dynamodb: DynamoDBClient;
let sqs: SQSClient;
let made: Awaited<ReturnType<typeof newTable>>;
let queue: NewQueue;
let table: Table;

beforeEach(async () => {
  dynamodb = new DynamoDBClient(emulatorSettings());
  sqs = new SQSClient(emulatorSettings());
  [made, queue] = await Promise.all([newTable(dynamodb), newQueue(sqs, 'fifo')]);
  table = dynamoTable({ client: dynamodb, name: made.name });
});

afterEach(async () => {
  await Promise.all([made.remove(), queue.remove()]);
  dynamodb.destroy();
  sqs.destroy();
});

/** What each process says when all have done their part. */
async function inProcesses<T>(work: Pick<Work, 'kind'> & Partial<Work>): Promise<readonly T[]> {
  const { url, dead_letter_url } = queue;
  // Late enough for all of them to have started.
  const facts: Work = {
    table: made.name,
    url,
    dead_letter_url,
    times: 0,
    job_ids: [],
    at: Date.now() + 1_500,
    ...work,
  };
  const told = Array.from({ length: processes }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(facts)]);
    return JSON.parse(stdout) as T;
  });
  return Promise.all(told);
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

test('of 52 conditional puts by four processes one goes through', async () => {
  expect(sum(await inProcesses<number>({ kind: 'claim', times: 13 }))).toBe(1);
});

test('a counter that four processes add to is exact', async () => {
  expect(sum(await inProcesses<number>({ kind: 'count', times: 25 }))).toBe(100);
  expect(await table.get({ pk: 'counter', sk: '-' }, Date.now())).toEqual({ n: 100 });
});

test('transactions that cross lose nothing and are all carried out', async () => {
  const accounts = [0, 1, 2, 3].map((account) => ({ pk: `account-${account}`, sk: '-' }));
  for (const key of accounts) await table.write({ kind: 'put', key, item: { coins: 100 } }, Date.now());
  expect(sum(await inProcesses<number>({ kind: 'transfer', times: 12 }))).toBe(48);
  const left = await Promise.all(accounts.map((key) => table.get(key, Date.now())));
  expect(sum(left.map((item) => Number(item?.['coins'])))).toBe(400);
});

test('a job that eight deliveries wake at once does its work once', async () => {
  const jobs = makeJobs({
    table,
    queue: { send: async () => undefined },
    now: Date.now,
    newId: () => 'none',
    random: Math.random,
    steps: new Map(),
  });
  const job_ids = Array.from({ length: 12 }, (_, index) => `job-${index}`);
  const facts = { kind: 'work', tenant: 'default', principal: 'k', payload: {}, depth: 0, next_at: Date.now() };
  for (const id of job_ids) {
    await table.transact(jobs.creation({ id, ...facts, deadline_at: Date.now() + 60_000 }), Date.now());
  }
  const outcomes = (await inProcesses<string[]>({ kind: 'advance', job_ids })).flat();
  expect(outcomes.filter((outcome) => outcome !== 'done' && outcome !== 'leased_elsewhere')).toEqual([]);
  for (const id of job_ids) {
    expect(await table.get({ pk: `effect-${id}`, sk: '-' }, Date.now())).toEqual({ times: 1 });
    expect(await jobs.get(id)).toMatchObject({ state: 'done', attempt: 1 });
  }
  for (let shard = 0; shard < 16; shard += 1) {
    expect((await table.query({ pk: dueShard(shard), limit: 10 }, Date.now())).rows).toEqual([]);
  }
});

test('groups keep their order, and every message comes once, over four consumers', async () => {
  const { url, dead_letter_url } = queue;
  const sender = sqsQueue({ client: sqs, url, dead_letter_url, attempts_max: 25 });
  for (let number = 0; number < 10; number += 1) {
    await sender.send(['a', 'b', 'c'].map((group) => ({ group, body: `${group}${number}` })));
  }
  const taken = (await inProcesses<[number, string][]>({ kind: 'consume' })).flat();
  const bodies = taken.toSorted(([one], [other]) => one - other).map(([, body]) => body);
  expect(bodies.toSorted()).toHaveLength(30);
  for (const group of ['a', 'b', 'c']) {
    const own = bodies.filter((body) => body.startsWith(group));
    expect(own).toEqual(Array.from({ length: 10 }, (_, number) => `${group}${number}`));
  }
});
