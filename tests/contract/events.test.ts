import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openDatabase } from '../../functions/adapters/sqlite/open-database.ts';
import type { Database } from '../../functions/adapters/sqlite/open-database.ts';
import { sqliteQueue } from '../../functions/adapters/sqlite/sqlite-queue.ts';
import { sqliteTable } from '../../functions/adapters/sqlite/sqlite-table.ts';
import { openNode } from '../../functions/assembly/open-node.ts';
import type { OpenedNode } from '../../functions/assembly/open-node.ts';
import { readSettings } from '../../functions/assembly/read-settings.ts';
import { makeJobs } from '../../functions/domain/jobs/make-jobs.ts';
import type { Round } from '../../functions/domain/ledger/make-sealer.ts';
import { advanceRun } from '../../functions/handlers/advance-run/handler.ts';
import { sealLedger } from '../../functions/handlers/seal-ledger/handler.ts';
import { serveApi } from '../../functions/handlers/serve-api/handler.ts';
import { sweepDue } from '../../functions/handlers/sweep-due/handler.ts';
import { lambdaLog } from '../../functions/hosts/lambda-log.ts';
import { contextOf, recordedPlatform } from '../../functions/hosts/testing/lambda-platform.ts';
import { stageToken } from '../integration/lambda/stage-token.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(repository, 'events');
const log = lambdaLog({ level: 'fatal', write: () => undefined });

const typescriptFunctions = ['serve-api', 'advance-run', 'seal-ledger', 'sweep-due'];
/** What comes of theirs is said where they run: `rust-events` and `run-script` of `tests/integration/lambda`. */
const rustFunctions = ['embed-text', 'run-script', 'score-vectors', 'sign-envelope'];

function casesOf(name: string): readonly string[] {
  return readdirSync(join(folder, name)).map((file) => file.replace(/\.json$/, ''));
}

function eventOf(name: string, event: string, token = stageToken): object {
  const text = readFileSync(join(folder, name, `${event}.json`), 'utf8');
  return JSON.parse(text.replaceAll(stageToken, token)) as object;
}

describe('the folders of events', () => {
  test('are those of the functions', () => {
    expect(readdirSync(folder).toSorted()).toEqual([...typescriptFunctions, ...rustFunctions].toSorted());
  });

  test.each(readdirSync(folder))('%s has at least three cases, and one that is refused', (name) => {
    const cases = casesOf(name);
    expect(cases.length).toBeGreaterThanOrEqual(3);
    expect(cases.some((event) => event.startsWith('invalid-'))).toBe(true);
    for (const event of cases) expect(eventOf(name, event)).toEqual(expect.any(Object));
  });
});

describe.each(rustFunctions)('%s', (name) => {
  const schema = JSON.parse(readFileSync(join(repository, 'shared', 'schemas', `${name}.json`), 'utf8')) as object;
  const isRequest = new Ajv2020({ strict: false }).compile(schema);

  // One that is refused may still have the form of a request: what the schema cannot say the function finds.
  test.each(casesOf(name).filter((event) => !event.startsWith('invalid-')))(
    '%s is a request by its schema',
    (event) => {
      expect(isRequest(eventOf(name, event)) || isRequest.errors).toBe(true);
    },
  );
});

describe('serve-api', () => {
  let home: string;
  let node: OpenedNode;
  let token: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'signet-events-'));
    const settings = await readSettings({ environment: { SIGNET_HOME: home, SIGNET_LOG: 'silent' } });
    const nowhere = join(home, 'nothing-built');
    node = await openNode({ settings, environment: {}, build_folder: nowhere, repository, tell: () => undefined });
    token = (await readFile(join(home, 'owner.key'), 'utf8')).trim();
  });

  afterAll(async () => {
    await node.close();
    await rm(home, { recursive: true });
  });

  const answered: { readonly [event: string]: { status: number; type: string; body: RegExp } } = {
    health: { status: 200, type: 'text/plain; charset=utf-8', body: /^ok/ },
    chat: { status: 200, type: 'application/json', body: /"content":"[^"]*Paris/ },
    'chat-stream': { status: 200, type: 'text/event-stream; charset=utf-8', body: /data: \[DONE\]\n\n$/ },
    'models-by-function-url': { status: 200, type: 'application/json', body: /"id":"edge\/signet-edge-1"/ },
    // This node has no sandbox; with one the run is created.
    'script-async': { status: 503, type: 'application/problem+json', body: /"code":"capability_unavailable"/ },
    'invalid-json': { status: 400, type: 'application/json', body: /"code":"invalid_json"/ },
    'invalid-no-key': { status: 401, type: 'application/json', body: /"code":"invalid_api_key"/ },
    'invalid-repeated-query': { status: 400, type: 'application/problem+json', body: /"param":"wait_ms"/ },
  };

  test('says of every event what must come out', () => {
    expect(casesOf('serve-api').toSorted()).toEqual([...Object.keys(answered), 'invalid-event'].toSorted());
  });

  test.each(Object.keys(answered))('%s, streamed and whole', async (event) => {
    const expected = answered[event];
    const { services } = node;
    const counts = { flushDue: () => Promise.resolve(undefined) };
    const platform = recordedPlatform();
    const streamed = await platform.invoke(
      serveApi({ services, counts, log, platform }),
      eventOf('serve-api', event, token),
    );
    const { prelude } = streamed;
    expect(prelude.statusCode).toBe(expected?.status);
    expect(prelude.multiValueHeaders?.['content-type']?.[0] ?? prelude.headers?.['content-type']).toBe(expected?.type);
    expect(streamed.body).toMatch(expected?.body ?? '');

    const whole = await serveApi({ services, counts, log, platform: undefined })(
      eventOf('serve-api', event, token),
      contextOf(),
    );
    expect(whole).toMatchObject({ statusCode: expected?.status, isBase64Encoded: false });
    expect((whole as { body: string }).body).toMatch(expected?.body ?? '');
  });

  test('invalid-event fails the invocation', async () => {
    const { services } = node;
    const counts = { flushDue: () => Promise.resolve(undefined) };
    const answer = serveApi({ services, counts, log, platform: undefined })(
      eventOf('serve-api', 'invalid-event'),
      contextOf(),
    );
    await expect(answer).rejects.toThrow('expected an event of a REST API');
  });
});

describe('functions that move jobs', () => {
  let home: string;
  let db: Database;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'signet-events-'));
    db = await openDatabase({ path: join(home, 'signet.db') });
  });

  afterAll(async () => {
    await db.close();
    await rm(home, { recursive: true });
  });

  const jobs = () =>
    makeJobs({
      table: sqliteTable(db),
      queue: sqliteQueue({ db, name: 'jobs', attempts_max: 5 }),
      now: Date.now,
      newId: () => 'token',
      random: Math.random,
      steps: new Map(),
    });

  const advanced: { readonly [event: string]: readonly string[] } = {
    'wake-up': [],
    redelivered: [],
    'batch-with-poison': ['{"job":"misspelt"}'],
  };

  test('say of every event what must come out', () => {
    expect(casesOf('advance-run').toSorted()).toEqual([...Object.keys(advanced), 'invalid-event'].toSorted());
    expect(casesOf('sweep-due').toSorted()).toEqual(['by-scheduler', 'each-minute', 'invalid-event']);
  });

  test.each(Object.keys(advanced))('advance-run takes %s', async (event) => {
    const buried: string[] = [];
    const letters = { deadLetter: async ({ body }: { body: string }) => void buried.push(body) };
    const answer = await advanceRun({ jobs: jobs(), letters, log })(eventOf('advance-run', event), contextOf());
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(buried).toEqual(advanced[event]);
  });

  test('advance-run refuses what no queue of its own sends', async () => {
    const letters = { deadLetter: () => Promise.reject(new Error('never')) };
    const answer = advanceRun({ jobs: jobs(), letters, log })(eventOf('advance-run', 'invalid-event'), contextOf());
    await expect(answer).rejects.toThrow('expected a batch of SQS messages');
  });

  const wakeUps = ['appended', 'swept', 'ten-wake-ups'];

  test.each(wakeUps)('seal-ledger seals for %s until nothing waits', async (event) => {
    expect(casesOf('seal-ledger').toSorted()).toEqual([...wakeUps, 'invalid-event'].toSorted());
    let left = 2;
    const seal = async () => ((left -= 1) < 0 ? { kind: 'idle' } : { kind: 'sealed', entries: 1, size: 1 }) as Round;
    const answer = await sealLedger({ openSealer: async () => ({ seal }), log })(
      eventOf('seal-ledger', event),
      contextOf(),
    );
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(left).toBe(-1);
  });

  test('seal-ledger refuses what no queue of its own sends', async () => {
    const openSealer = () => Promise.reject(new Error('never'));
    const answer = sealLedger({ openSealer, log })(eventOf('seal-ledger', 'invalid-event'), contextOf());
    await expect(answer).rejects.toThrow('expected a batch of SQS messages');
  });

  const sweepPending = async () => ({ kind: 'current' }) as const;

  test.each(['each-minute', 'by-scheduler'])('sweep-due sweeps for %s', async (event) => {
    const answer = await sweepDue({ jobs: jobs(), sweepPending, log })(eventOf('sweep-due', event), contextOf());
    expect(answer).toEqual({ woken: 0, is_finished: true, ledger: 'current' });
  });

  test('sweep-due refuses what no schedule sends', async () => {
    const answer = sweepDue({ jobs: jobs(), sweepPending, log })(eventOf('sweep-due', 'invalid-event'), contextOf());
    await expect(answer).rejects.toThrow('expected the event of a schedule');
  });
});
