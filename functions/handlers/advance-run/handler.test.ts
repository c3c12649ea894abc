import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openDatabase } from '../../adapters/sqlite/open-database.ts';
import type { Database } from '../../adapters/sqlite/open-database.ts';
import { sqliteQueue } from '../../adapters/sqlite/sqlite-queue.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import type { Jobs, JobStep } from '../../domain/jobs/jobs.ts';
import { makeJobs } from '../../domain/jobs/make-jobs.ts';
import type { Table } from '../../domain/ports/table.ts';
import { lambdaLog } from '../../hosts/lambda-log.ts';
import { queueEvent } from '../../hosts/testing/lambda-events.ts';
import { contextOf } from '../../hosts/testing/lambda-platform.ts';
import { advanceRun } from './handler.ts';

let home: string;
let db: Database;
let table: Table;
let step: JobStep;
let lines: Record<string, unknown>[];
let letters: { body: string; reason: string }[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-advance-'));
  db = await openDatabase({ path: join(home, 'signet.db') });
  table = sqliteTable(db);
  step = () => Promise.resolve({ kind: 'done' });
  [lines, letters] = [[], []];
});

afterEach(async () => {
  await db.close();
  await rm(home, { recursive: true });
});

/** A process of its own: it shares the table with others and nothing else. */
function open(jobs: Pick<Jobs, 'advance'> = jobsOver(table)) {
  const handler = advanceRun({
    jobs,
    letters: { deadLetter: async ({ body }, reason) => void letters.push({ body, reason }) },
    log: lambdaLog({ level: 'info', write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) }),
  });
  return (bodies: readonly string[], context = contextOf()) => handler(queueEvent(...bodies), context);
}

let last_id = 0;

function jobsOver(its_table: Table): Jobs {
  return makeJobs({
    table: its_table,
    queue: sqliteQueue({ db, name: 'jobs', attempts_max: 5 }),
    now: Date.now,
    newId: () => `token-${(last_id += 1)}`,
    random: () => 0,
    steps: new Map([['work', (given) => step(given)]]),
  });
}

async function aJob(id: string): Promise<string> {
  const job = { id, kind: 'work', tenant: 'main', principal: 'key-1', payload: {}, depth: 0 };
  const operations = jobsOver(table).creation({ ...job, next_at: 0, deadline_at: Date.now() + 3_600_000 });
  await table.transact(operations, Date.now());
  return JSON.stringify({ job_id: id });
}

test('takes a job through its step', async () => {
  const body = await aJob('job-1');
  expect(await open()([body])).toEqual({ batchItemFailures: [] });
  expect(await jobsOver(table).get('job-1')).toMatchObject({ state: 'done', attempt: 1 });
  expect(lines).toMatchObject([{ message: 'job advanced', job_id: 'job-1', outcome: 'done', message_id: 'message-1' }]);
});

test('a redelivered job does its work once, one after the other and at the same time', async () => {
  let count = 0;
  step = async () => {
    count += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { kind: 'done' };
  };
  const body = await aJob('job-1');
  const answers = await Promise.all([open()([body]), open()([body]), open()([body, body])]);
  expect(await open()([body])).toEqual({ batchItemFailures: [] });
  expect(answers.flatMap(({ batchItemFailures }) => batchItemFailures)).toEqual([]);
  expect(count).toBe(1);
});

test('a job that the end of the function interrupts is put back, not lost', async () => {
  step = ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('stopped')));
    });
  const body = await aJob('job-1');
  expect(await open()([body], contextOf({ remaining_ms: 50 }))).toEqual({ batchItemFailures: [] });
  expect(await jobsOver(table).get('job-1')).toMatchObject({ state: 'waiting', reason: 'interrupted' });

  step = () => Promise.resolve({ kind: 'done' });
  await open()([body]);
  expect(await jobsOver(table).get('job-1')).toMatchObject({ state: 'done', attempt: 2 });
});

test.each([
  '',
  'no json',
  '{}',
  '{"job_id":7}',
  '{"job_id":""}',
  '{"job_id":"a b"}',
  '[]',
  'null',
  `{"job_id":"${'x'.repeat(300)}"}`,
])('buries %j with its reason and goes on with the next', async (poison) => {
  const body = await aJob('job-1');
  expect(await open()([poison, body])).toEqual({ batchItemFailures: [] });
  expect(letters).toEqual([{ body: poison, reason: 'malformed' }]);
  expect(await jobsOver(table).get('job-1')).toMatchObject({ state: 'done' });
});

test('a wake-up of a job that nobody knows has nothing to do', async () => {
  expect(await open()(['{"job_id":"job-9"}'])).toEqual({ batchItemFailures: [] });
  expect(letters).toEqual([]);
});

test('a message whose table is away comes back, alone', async () => {
  const body = await aJob('job-1');
  const advance: Jobs['advance'] = (job_id, signal) =>
    job_id === 'away' ? Promise.reject(new Error('the table is away')) : jobsOver(table).advance(job_id, signal);
  const answer = await open({ advance })(['{"job_id":"away"}', body]);
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
  expect(await jobsOver(table).get('job-1')).toMatchObject({ state: 'done' });
});
