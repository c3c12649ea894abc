import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openDatabase } from '../../adapters/sqlite/open-database.ts';
import type { Database } from '../../adapters/sqlite/open-database.ts';
import { sqliteQueue } from '../../adapters/sqlite/sqlite-queue.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import { SignetError } from '../errors.ts';
import type { Queue } from '../ports/queue.ts';
import type { Table } from '../ports/table.ts';
import type { Jobs, JobStep, NewJob } from './jobs.ts';
import { dueShard } from './keys.ts';
import { makeJobs } from './make-jobs.ts';
import { runJobWorker } from './run-job-worker.ts';

const lease_ms = 60_000;
const start = Date.UTC(2030, 0, 1);
const { signal } = new AbortController();

let home: string;
let db: Database;
let table: Table;
let queue: Queue;
let now: number;
let last_id: number;
let step: JobStep;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-jobs-'));
  db = await openDatabase({ path: join(home, 'signet.db') });
  table = sqliteTable(db);
  queue = sqliteQueue({ db, name: 'jobs', attempts_max: 5, now: () => now });
  now = start;
  last_id = 0;
  step = async () => ({ kind: 'done' });
});

afterEach(async () => {
  await db.close();
  await rm(home, { recursive: true });
});

function jobsOver(options: { table?: Table; queue?: Pick<Queue, 'send'>; lease_ms?: number } = {}): Jobs {
  return makeJobs({
    table,
    queue,
    now: () => now,
    newId: () => `token-${++last_id}`,
    random: () => 0.5,
    steps: new Map([['work', (given) => step(given)]]),
    lease_ms,
    ...options,
  });
}

function newJob(more: Partial<NewJob> = {}): NewJob {
  const id = `job-${++last_id}`;
  const job = { id, kind: 'work', tenant: 'main', principal: 'key-1', payload: { n: 1 }, depth: 0 };
  return { ...job, next_at: now, deadline_at: now + 3_600_000, ...more };
}

async function create(jobs: Jobs, more: Partial<NewJob> = {}): Promise<string> {
  const job = newJob(more);
  expect((await table.transact(jobs.creation(job), now)).kind).toBe('written');
  return job.id;
}

async function dueRows(): Promise<string[]> {
  const shards = await Promise.all(
    Array.from({ length: 16 }, (_, shard) => table.query({ pk: dueShard(shard), limit: 1000 }, now)),
  );
  return shards.flatMap(({ rows }) => rows.map(({ sk }) => sk));
}

async function messages(): Promise<string[]> {
  const received = await queue.receive({ max: 10, visibility_ms: 1000, wait_ms: 0, signal });
  for (const { handle } of received) await queue.complete(handle);
  return received.map(({ body }) => body);
}

describe('a job', () => {
  test('is made with what causes it, runs once, and is kept for a week', async () => {
    const jobs = jobsOver();
    const seen: unknown[] = [];
    step = async ({ job }) => {
      seen.push(job);
      return { kind: 'done' };
    };
    const id = await create(jobs);
    expect(await jobs.get(id)).toMatchObject({
      id,
      state: 'waiting',
      attempt: 0,
      payload: { n: 1 },
      principal: 'key-1',
    });
    expect(await jobs.advance(id, signal)).toBe('done');
    expect(seen).toMatchObject([{ id, state: 'leased', attempt: 1, tenant: 'main', depth: 0 }]);
    expect(await jobs.get(id)).toMatchObject({ state: 'done' });
    expect(await dueRows()).toEqual([]);
    now += 7 * 86_400_000 - 1000;
    expect(await jobs.get(id)).toMatchObject({ state: 'done' });
    now += 1000;
    expect(await jobs.get(id)).toBeUndefined();
  });

  test('cannot be made twice under one id', async () => {
    const jobs = jobsOver();
    const job = newJob();
    await table.transact(jobs.creation(job), now);
    expect(await table.transact(jobs.creation(job), now)).toMatchObject({ kind: 'refused', operation: 0 });
  });

  test('waits for its time', async () => {
    const jobs = jobsOver();
    const id = await create(jobs, { next_at: now + 10_000 });
    expect(await jobs.advance(id, signal)).toBe('not_due');
    expect(await jobs.sweepDue()).toBe(0);
    now += 10_000;
    expect(await jobs.sweepDue()).toBe(1);
    expect(await jobs.advance(id, signal)).toBe('done');
  });

  test('is closed once: a repeated wake-up runs nothing', async () => {
    const jobs = jobsOver();
    let runs = 0;
    step = async () => {
      runs += 1;
      return { kind: 'done' };
    };
    const id = await create(jobs);
    for (let wake = 0; wake < 3; wake += 1) expect(await jobs.advance(id, signal)).toBe('done');
    expect(await jobs.advance('never-made', signal)).toBe('done');
    expect(runs).toBe(1);
  });

  test('dies with the reason that its step gives', async () => {
    const jobs = jobsOver();
    step = async () => ({ kind: 'dead', reason: 'outcome_unknown' });
    const id = await create(jobs);
    expect(await jobs.advance(id, signal)).toBe('dead');
    expect(await jobs.advance(id, signal)).toBe('dead');
    expect(await jobs.get(id)).toMatchObject({ state: 'dead', reason: 'outcome_unknown' });
    expect(await dueRows()).toEqual([]);
  });

  test('comes back after the delay that its step asks for, woken by a delayed message', async () => {
    const jobs = jobsOver();
    step = async () => ({ kind: 'retry', delay_ms: 5000, reason: 'upstream busy' });
    const id = await create(jobs);
    expect(await jobs.advance(id, signal)).toBe('rescheduled');
    expect(await jobs.get(id)).toMatchObject({ state: 'waiting', next_at: start + 5000, reason: 'upstream busy' });
    expect(await messages()).toEqual([]);
    expect(await jobs.advance(id, signal)).toBe('not_due');
    now += 5000;
    expect(await messages()).toEqual([JSON.stringify({ job_id: id })]);
    step = async () => ({ kind: 'done' });
    expect(await jobs.advance(id, signal)).toBe('done');
    expect(await jobs.get(id)).toMatchObject({ attempt: 2 });
    expect((await jobs.get(id))?.reason).toBeUndefined();
  });

  test('waits longer after each step that throws, and keeps no text of the error', async () => {
    const jobs = jobsOver();
    const errors = [new RangeError('secret'), new SignetError({ code: 'provider_error', detail: 'secret' }), 'secret'];
    step = async ({ job }) => {
      throw errors[job.attempt - 1];
    };
    const id = await create(jobs, { deadline_at: now + 1e9 });
    const waits: number[] = [];
    const reasons: unknown[] = [];
    for (let attempt = 1; attempt <= 12; attempt += 1) {
      expect(await jobs.advance(id, signal)).toBe('rescheduled');
      const job = await jobs.get(id);
      waits.push((job?.next_at ?? 0) - now);
      reasons.push(job?.reason);
      now = job?.next_at ?? 0;
    }
    expect(waits.slice(0, 4)).toEqual([750, 1500, 3000, 6000]);
    expect(Math.max(...waits)).toBe(225_000);
    expect(reasons.slice(0, 3)).toEqual(['RangeError', 'provider_error', 'thrown']);
  });

  test('of a kind that nobody knows waits for a release that does', async () => {
    const jobs = jobsOver();
    const id = await create(jobs, { kind: 'from-the-future' });
    expect(await jobs.advance(id, signal)).toBe('rescheduled');
    expect(await jobs.get(id)).toMatchObject({ state: 'waiting', reason: 'unknown_kind' });
  });

  test('dies at its deadline, and already when the next try would be behind it', async () => {
    const jobs = jobsOver();
    const late = await create(jobs, { deadline_at: now + 1000 });
    now += 1000;
    expect(await jobs.advance(late, signal)).toBe('dead');
    expect(await jobs.get(late)).toMatchObject({ state: 'dead', reason: 'deadline', attempt: 0 });
    step = async () => ({ kind: 'retry', delay_ms: 2000, reason: 'busy' });
    const hopeless = await create(jobs, { deadline_at: now + 2000 });
    expect(await jobs.advance(hopeless, signal)).toBe('dead');
    expect(await jobs.get(hopeless)).toMatchObject({ state: 'dead', reason: 'deadline: busy' });
    expect(await dueRows()).toEqual([]);
  });

  test('that is told to stop is put back for at once', async () => {
    const jobs = jobsOver();
    const stop = new AbortController();
    step = (given) =>
      new Promise((_, reject) => given.signal.addEventListener('abort', () => reject(new Error('stop'))));
    const id = await create(jobs);
    const advancing = jobs.advance(id, stop.signal);
    await untilState(jobs, id, 'leased');
    stop.abort();
    expect(await advancing).toBe('rescheduled');
    expect(await jobs.get(id)).toMatchObject({ state: 'waiting', next_at: now, reason: 'interrupted' });
    step = async () => ({ kind: 'done' });
    expect(await jobs.advance(id, signal)).toBe('done');
  });
});

describe('a job whose work goes on elsewhere', () => {
  const away = (until: number) => async () => ({ kind: 'wait', until, reason: 'handed_over' }) as const;

  test('waits until then without a message, and is counted anew', async () => {
    const jobs = jobsOver();
    step = away(start + 30_000);
    const id = await create(jobs);
    expect(await jobs.advance(id, signal)).toBe('rescheduled');
    expect(await jobs.get(id)).toMatchObject({
      state: 'waiting',
      attempt: 0,
      next_at: start + 30_000,
      reason: 'handed_over',
    });
    now = start + 29_999;
    expect(await jobs.advance(id, signal)).toBe('not_due');
    expect(await messages()).toEqual([]);
    now = start + 30_000;
    expect(await jobs.sweepDue()).toBe(1);
    step = async ({ job }) => (job.attempt === 1 ? { kind: 'done' } : { kind: 'dead', reason: 'counted on' });
    expect(await jobs.advance(id, signal)).toBe('done');
  });

  test('is closed from there, also twice, and while its step still holds it', async () => {
    const jobs = jobsOver();
    step = away(start + 30_000);
    const waiting = await create(jobs);
    await jobs.advance(waiting, signal);
    const { promise: open, resolve } = Promise.withResolvers<void>();
    step = async () => {
      await open;
      return { kind: 'wait', until: start + 30_000, reason: 'handed_over' };
    };
    const leased = await create(jobs);
    const advancing = jobs.advance(leased, signal);
    await untilState(jobs, leased, 'leased');
    for (const id of [waiting, leased, waiting, 'never-made']) await jobs.close(id);
    resolve();
    expect(await advancing).toBe('leased_elsewhere');
    for (const id of [waiting, leased]) expect(await jobs.get(id)).toMatchObject({ state: 'done' });
    expect(await dueRows()).toEqual([]);
  });

  test('is hastened while it waits, and neither delayed nor taken from its step by that', async () => {
    const jobs = jobsOver();
    step = away(start + 30_000);
    const id = await create(jobs);
    await jobs.hasten(id, start + 60_000);
    expect(await jobs.get(id)).toMatchObject({ next_at: start });
    await jobs.advance(id, signal);
    await jobs.hasten(id, start + 5000);
    await jobs.hasten(id, start + 9000);
    await jobs.hasten('never-made', start);
    expect(await jobs.get(id)).toMatchObject({ state: 'waiting', next_at: start + 5000 });
    expect(await dueRows()).toHaveLength(1);
    now = start + 5000;
    expect(await messages()).toEqual([JSON.stringify({ job_id: id })]);
    step = async () => {
      await jobs.hasten(id, start);
      return { kind: 'done' };
    };
    expect(await jobs.advance(id, signal)).toBe('done');
  });
});

describe('a lease', () => {
  test('lets one of many workers in', async () => {
    const jobs = jobsOver();
    let runs = 0;
    const open = Promise.withResolvers<void>();
    step = async () => {
      runs += 1;
      await open.promise;
      return { kind: 'done' };
    };
    const id = await create(jobs);
    const workers = Array.from({ length: 8 }, () => jobsOver().advance(id, signal));
    const early = await Promise.race(workers);
    expect(early).toBe('leased_elsewhere');
    expect(await jobs.advance(id, signal)).toBe('leased_elsewhere');
    open.resolve();
    expect((await Promise.all(workers)).filter((outcome) => outcome === 'done')).toHaveLength(1);
    expect(runs).toBe(1);
  });

  test('that ran out lets another worker resume, and the first one changes nothing any more', async () => {
    const first = jobsOver();
    const stuck = Promise.withResolvers<void>();
    step = async () => {
      await stuck.promise;
      return { kind: 'dead', reason: 'from the past' };
    };
    const id = await create(first);
    const dying = first.advance(id, signal);
    await untilState(first, id, 'leased');
    expect(await first.sweepDue()).toBe(0);
    now += lease_ms;
    const second = jobsOver();
    expect(await second.sweepDue()).toBe(1);
    expect(await messages()).toEqual([JSON.stringify({ job_id: id })]);
    step = async ({ job }) => (job.attempt === 2 ? { kind: 'done' } : { kind: 'dead', reason: 'attempt' });
    expect(await second.advance(id, signal)).toBe('done');
    stuck.resolve();
    expect(await dying).toBe('leased_elsewhere');
    expect(await first.get(id)).toMatchObject({ state: 'done', attempt: 2 });
    expect(await dueRows()).toEqual([]);
  });

  test('is renewed while the step runs', async () => {
    const jobs = jobsOver({ lease_ms: 30 });
    const open = Promise.withResolvers<void>();
    step = async () => {
      await open.promise;
      return { kind: 'done' };
    };
    const id = await create(jobs);
    const advancing = jobs.advance(id, signal);
    await untilState(jobs, id, 'leased');
    now += 29;
    const before = await dueRows();
    while ((await dueRows())[0] === before[0]) await new Promise((resolve) => setTimeout(resolve, 5));
    now += 29;
    expect(await jobsOver().advance(id, signal)).toBe('leased_elsewhere');
    expect(await dueRows()).toHaveLength(1);
    open.resolve();
    expect(await advancing).toBe('done');
    expect(await dueRows()).toEqual([]);
  });

  test('that was taken by another stops the step', async () => {
    const jobs = jobsOver({ lease_ms: 30 });
    step = (given) => new Promise((resolve) => given.signal.addEventListener('abort', () => resolve({ kind: 'done' })));
    const id = await create(jobs);
    const advancing = jobs.advance(id, signal);
    await untilState(jobs, id, 'leased');
    const key = { pk: `job#${id}`, sk: '-' };
    await table.write({ kind: 'update', key, set: { lease_token: 'another' } }, now);
    expect(await advancing).toBe('leased_elsewhere');
    expect(await jobs.get(id)).toMatchObject({ state: 'leased' });
  });

  test('outlives a clock that is set back, and ends early when it is set forward', async () => {
    const jobs = jobsOver();
    const id = await create(jobs);
    now -= 3_600_000;
    expect(await jobs.advance(id, signal)).toBe('not_due');
    expect(await jobs.sweepDue()).toBe(0);
    now += 3_600_000;
    const stuck = Promise.withResolvers<void>();
    step = async () => {
      await stuck.promise;
      return { kind: 'done' };
    };
    const advancing = jobs.advance(id, signal);
    await untilState(jobs, id, 'leased');
    now -= 3_600_000;
    expect(await jobsOver().advance(id, signal)).toBe('leased_elsewhere');
    now += 2 * 3_600_000 - 1;
    stuck.resolve();
    // The lease ran out by the new clock, but nobody took it: the work that was done counts.
    expect(await advancing).toBe('done');
    expect(await dueRows()).toEqual([]);
  });
});

describe('wake-ups', () => {
  test('that are lost are sent again, but not with every sweep', async () => {
    const jobs = jobsOver();
    await create(jobs);
    expect(await jobs.sweepDue()).toBe(1);
    expect(await messages()).toHaveLength(1);
    expect(await jobs.sweepDue()).toBe(0);
    now += 10_000;
    expect(await jobs.sweepDue()).toBe(1);
    expect(await messages()).toHaveLength(1);
  });

  test('that the queue did not take are sent by the next sweep', async () => {
    let is_down = true;
    const failing: Pick<Queue, 'send'> = {
      send: (sent) => (is_down ? Promise.reject(new Error('down')) : queue.send(sent)),
    };
    const jobs = jobsOver({ queue: failing });
    await create(jobs);
    await expect(jobs.sweepDue()).rejects.toThrow('down');
    is_down = false;
    expect(await jobs.sweepDue()).toBe(1);
    expect(await messages()).toHaveLength(1);
  });

  test('are looked for in all shards at once', async () => {
    let [open, most] = [0, 0];
    const counting: Table = {
      ...table,
      async query(query, at) {
        open += 1;
        most = Math.max(most, open);
        const page = await table.query(query, at);
        open -= 1;
        return page;
      },
    };
    expect(await jobsOver({ table: counting }).sweepDue()).toBe(0);
    expect(most).toBe(16);
  });

  test('for many jobs go out in batches', async () => {
    const jobs = jobsOver();
    for (let n = 0; n < 35; n += 1) await create(jobs);
    expect(await jobs.sweepDue()).toBe(35);
    const bodies = [...(await messages()), ...(await messages()), ...(await messages()), ...(await messages())];
    expect(new Set(bodies).size).toBe(35);
  });

  test('in any order and number run each job once', async () => {
    const jobs = jobsOver();
    const runs: string[] = [];
    step = async ({ job }) => {
      runs.push(job.id);
      return { kind: 'done' };
    };
    const ids = await Promise.all(Array.from({ length: 10 }, () => create(jobs)));
    const wakes = [...ids.toReversed(), ...ids, ...ids].map((id) => jobs.advance(id, signal));
    await Promise.all(wakes);
    expect(runs.toSorted()).toEqual(ids.toSorted());
  });

  test('are not sent for a due row whose job is gone: the row is removed', async () => {
    const jobs = jobsOver();
    const id = await create(jobs);
    await table.write({ kind: 'delete', key: { pk: `job#${id}`, sk: '-' } }, now);
    expect(await jobs.sweepDue()).toBe(0);
    expect(await dueRows()).toEqual([]);
  });
});

/** A table that answers `writes_max` writes; the next is lost, or done and its answer lost, and then nothing works. */
function dyingTable(writes_max: number, last: 'lost' | 'unanswered'): Table {
  let writes = 0;
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    writes += 1;
    if (writes === writes_max + 1 && last === 'unanswered') await work();
    if (writes > writes_max) throw new Error('killed');
    return work();
  };
  return {
    get: (key, at) => table.get(key, at),
    query: (query, at) => table.query(query, at),
    write: (operation, at) => write(() => table.write(operation, at)),
    transact: (operations, at) => write(() => table.transact(operations, at)),
  };
}

describe('a crash', () => {
  test.each(['lost', 'unanswered'] as const)(
    'before any write (%s) leaves a job that the next worker ends',
    async (last) => {
      for (let writes_max = 0; writes_max <= 4; writes_max += 1) {
        const id = await create(jobsOver(), { deadline_at: now + 3_600_000 });
        let fails = 1;
        step = async () => (fails-- > 0 ? { kind: 'retry', delay_ms: 1000, reason: 'again' } : { kind: 'done' });
        const victim = jobsOver({ table: dyingTable(writes_max, last) });
        for (let wake = 0; wake < 2; wake += 1) {
          await victim.advance(id, signal).catch(() => undefined);
          now += 1000;
        }
        const survivor = jobsOver();
        for (let sweep = 0; sweep < 4 && (await survivor.get(id))?.state !== 'done'; sweep += 1) {
          expect(await dueRows()).toHaveLength(1);
          now += lease_ms;
          expect(await survivor.sweepDue()).toBe(1);
          await survivor.advance(id, signal);
        }
        expect(await survivor.get(id)).toMatchObject({ state: 'done' });
        expect(await dueRows()).toEqual([]);
      }
    },
  );
});

describe('reclaiming', () => {
  let burial: AbortController;
  let dying: Promise<unknown>[];
  beforeEach(() => {
    burial = new AbortController();
    dying = [];
  });
  afterEach(async () => {
    burial.abort();
    await Promise.all(dying);
  });

  /** Jobs whose worker says nothing more of them. */
  async function leave(count: number): Promise<readonly string[]> {
    const dead = jobsOver();
    step = (given) => new Promise((_, reject) => given.signal.addEventListener('abort', reject));
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const id = await create(dead);
      dying.push(dead.advance(id, burial.signal));
      await untilState(dead, id, 'leased');
      ids.push(id);
    }
    return ids;
  }

  test('makes due what a dead worker held, and nothing else', async () => {
    const ids = await leave(3);
    const jobs = jobsOver();
    const waiting = await create(jobs, { next_at: now + 10_000 });
    const done = await create(jobs);
    step = async () => ({ kind: 'done' });
    await jobs.advance(done, signal);
    expect(await jobs.reclaimAll()).toBe(3);
    expect(await dueRows()).toHaveLength(4);
    for (const id of ids) {
      expect(await jobs.get(id)).toMatchObject({ state: 'waiting', next_at: now, attempt: 1, reason: 'worker_lost' });
      expect(await jobs.advance(id, signal)).toBe('done');
    }
    expect(await jobs.get(waiting)).toMatchObject({ state: 'waiting', next_at: now + 10_000 });
    expect(await jobs.reclaimAll()).toBe(0);
  });

  test('leaves the steps that run here alone', async () => {
    const jobs = jobsOver();
    const open = Promise.withResolvers<void>();
    step = async () => {
      await open.promise;
      return { kind: 'done' };
    };
    const id = await create(jobs);
    const advancing = jobs.advance(id, signal);
    await untilState(jobs, id, 'leased');
    expect(await jobs.reclaimAll()).toBe(0);
    open.resolve();
    expect(await advancing).toBe('done');
  });

  test.each(['lost', 'unanswered'] as const)('that dies at any write (%s) is ended by the next one', async (last) => {
    for (let writes_max = 0; writes_max <= 3; writes_max += 1) {
      const ids = await leave(3);
      const killed = jobsOver({ table: dyingTable(writes_max, last) }).reclaimAll();
      await (writes_max < 3 ? expect(killed).rejects.toThrow('killed') : expect(killed).resolves.toBe(3));
      const jobs = jobsOver();
      const left = last === 'unanswered' ? Math.max(0, 2 - writes_max) : 3 - writes_max;
      expect(await jobs.reclaimAll()).toBe(left);
      expect(await dueRows()).toHaveLength(3);
      step = async () => ({ kind: 'done' });
      for (const id of ids) expect(await jobs.advance(id, signal)).toBe('done');
      expect(await dueRows()).toEqual([]);
    }
  });
});

describe('the worker', () => {
  test('takes wake-ups, finds what nobody announced, and stops when told', async () => {
    const jobs = jobsOver();
    const done: string[] = [];
    step = async ({ job }) => {
      done.push(job.id);
      return { kind: 'done' };
    };
    const stop = new AbortController();
    const errors: unknown[] = [];
    const onError = (error: unknown) => void errors.push(error);
    const silent = await create(jobs);
    const worker = runJobWorker({ jobs, queue, signal: stop.signal, concurrency: 2, sweep_every_ms: 5, onError });
    const announced = await create(jobs);
    await jobs.wake(announced);
    while (done.length < 2) await new Promise((resolve) => setTimeout(resolve, 2));
    stop.abort();
    await worker;
    expect(done.toSorted()).toEqual([silent, announced].toSorted());
    expect(errors).toEqual([]);
  });

  test('calls a message that it cannot read poison', async () => {
    const jobs = jobsOver();
    const stop = new AbortController();
    await queue.send([{ body: '{"job_id":7}' }, { body: 'no json' }, { body: 'null' }]);
    const onError = () => undefined;
    const worker = runJobWorker({ jobs, queue, signal: stop.signal, concurrency: 1, sweep_every_ms: 5, onError });
    while ((await queue.deadLetters({ limit: 10 })).letters.length < 3) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    stop.abort();
    await worker;
    expect((await queue.deadLetters({ limit: 10 })).letters.map(({ reason }) => reason)).toEqual(
      Array(3).fill('malformed'),
    );
  });

  test('goes on after its storage failed, and says so', async () => {
    const jobs = jobsOver();
    const stop = new AbortController();
    const seen: string[] = [];
    let failures = 2;
    const failing: Jobs = {
      ...jobs,
      async sweepDue() {
        if (failures-- > 0) throw new Error('disk');
        stop.abort();
        return 0;
      },
    };
    const onError = (_: unknown, doing: string) => void seen.push(doing);
    await runJobWorker({ jobs: failing, queue, signal: stop.signal, concurrency: 1, sweep_every_ms: 1, onError });
    expect(seen).toEqual(['sweep', 'sweep']);
  });
});

async function untilState(jobs: Jobs, id: string, state: string): Promise<void> {
  while ((await jobs.get(id))?.state !== state) await new Promise((resolve) => setTimeout(resolve, 1));
}
