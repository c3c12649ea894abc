/**
 * One of several processes over one table and one queue of the emulator. Arguments: what to do and its facts as JSON;
 * prints what came of it as JSON. All begin at the moment `at`.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { dynamoTable } from '../../../functions/adapters/dynamodb/dynamo-table.ts';
import { sqsQueue } from '../../../functions/adapters/sqs/sqs-queue.ts';
import type { JobStep } from '../../../functions/domain/jobs/jobs.ts';
import { makeJobs } from '../../../functions/domain/jobs/make-jobs.ts';
import type { Key, Operation, Table } from '../../../functions/domain/ports/table.ts';
import type { Queue } from '../../../functions/domain/ports/queue.ts';
import { emulatorSettings } from './emulator-clients.ts';

export interface Work {
  readonly kind: 'claim' | 'count' | 'transfer' | 'advance' | 'consume';
  readonly table: string;
  readonly url: string;
  readonly dead_letter_url: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** How often, or how many at once. */
  readonly times: number;
  readonly job_ids: readonly string[];
}

const work = JSON.parse(process.argv[2] ?? '') as Work;
const table = dynamoTable({ client: new DynamoDBClient(emulatorSettings()), name: work.table });
const { url, dead_letter_url } = work;
const queue = sqsQueue({ client: new SQSClient(emulatorSettings()), url, dead_letter_url, attempts_max: 25 });
const numbers = Array.from({ length: work.times }, (_, index) => index);
const row = (pk: string): Key => ({ pk, sk: '-' });

await sleep(Math.max(0, work.at - Date.now()));
console.log(JSON.stringify(await done(table, queue)));
process.exit(0);

function done(rows: Table, messages: Queue): Promise<unknown> {
  switch (work.kind) {
    case 'claim':
      return claim(rows);
    case 'count':
      return count(rows);
    case 'transfer':
      return transfer(rows);
    case 'advance':
      return advance(rows);
    case 'consume':
      return consume(rows, messages);
    default:
      return work.kind satisfies never;
  }
}

/** How often this process was the one whose conditional put went through. */
async function claim(rows: Table): Promise<number> {
  const conditions = [{ kind: 'absent' as const }];
  const tried = numbers.map(() =>
    rows.write({ kind: 'put', key: row('claimed'), item: { by: randomUUID() }, conditions }, Date.now()),
  );
  return (await Promise.all(tried)).filter(({ kind }) => kind === 'written').length;
}

async function count(rows: Table): Promise<number> {
  const added = numbers.map(() => rows.write({ kind: 'update', key: row('counter'), add: { n: 1 } }, Date.now()));
  return (await Promise.all(added)).length;
}

/** Moves one from each account to the next, and the other way round, in transactions that cross. */
async function transfer(rows: Table): Promise<number> {
  for (const turn of numbers) {
    const pair = [turn % 4, (turn + 1 + (process.pid % 3)) % 4].map((account) => row(`account-${account}`));
    const [from, to] = process.pid % 2 === 0 ? pair : pair.toReversed();
    if (from === undefined || to === undefined) throw new Error('expected two accounts');
    const operations: Operation[] = [
      { kind: 'update', key: from, add: { coins: -1 }, conditions: [{ kind: 'exists' }] },
      { kind: 'update', key: to, add: { coins: 1 }, conditions: [{ kind: 'exists' }] },
    ];
    const { kind } = await rows.transact(operations, Date.now());
    if (kind === 'refused') throw new Error('expected both accounts');
  }
  return work.times;
}

/** Every process hears of every job at the same moment, twice. */
async function advance(rows: Table): Promise<readonly string[]> {
  const step: JobStep = async ({ job }) => {
    await rows.write({ kind: 'update', key: row(`effect-${job.id}`), add: { times: 1 } }, Date.now());
    await sleep(20);
    return { kind: 'done' };
  };
  const jobs = makeJobs({
    table: rows,
    queue: { send: async () => undefined },
    now: Date.now,
    newId: randomUUID,
    random: Math.random,
    steps: new Map([['work', step]]),
  });
  const { signal } = new AbortController();
  return Promise.all([...work.job_ids, ...work.job_ids].map((id) => jobs.advance(id, signal)));
}

/** Takes messages until none comes for a second, and writes down in which place of all each came. */
async function consume(rows: Table, messages: Queue): Promise<readonly [place: number, body: string][]> {
  const taken: [number, string][] = [];
  const { signal } = new AbortController();
  for (let last = Date.now(); Date.now() - last < 1_500; ) {
    const [message] = await messages.receive({ max: 1, visibility_ms: 10_000, wait_ms: 200, signal });
    if (message === undefined) continue;
    last = Date.now();
    const place = await rows.write({ kind: 'update', key: row('places'), add: { n: 1 } }, Date.now());
    if (place.kind === 'written') taken.push([Number(place.items[0]?.['n']), message.body]);
    await messages.complete(message.handle);
  }
  return taken;
}
