import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import type { Call } from '../call.ts';
import { makeJudge } from '../decisions/make-judge.ts';
import type { JsonObject } from '../json.ts';
import { pendingPartition } from '../receipts/keys.ts';
import { countsType, documentType, runType } from '../receipts/statement-types.ts';
import type { FollowedEvent } from './events.ts';
import { makeEvents } from './make-events.ts';
import { makeToldLog } from './told-log.ts';
import { topics, type Topic } from './topics.ts';

let node: TestNode;
let clock = Date.UTC(2026, 0, 2);
/** What a sealer has made of the pending entries so far. */
const sealed: Uint8Array[] = [];
beforeAll(async () => {
  node = await openTestNode({ now: () => clock });
});
afterAll(() => node.close());

const log = {
  head: async () => ({ size: sealed.length, root: `root-${sealed.length}`, counts: {} }),
  entry: async (index: number) => sealed[index],
  // A bundle of three, so that a reader must ask more than once.
  entries: async (from: number) => sealed.slice(from, from - (from % 3) + 3),
};

async function seal(): Promise<void> {
  const { rows } = await node.table.query({ pk: pendingPartition, limit: 1000 }, clock);
  for (const { item } of rows.slice(sealed.length)) sealed.push(Buffer.from(item['entry'] as string));
}

function events(changes: Partial<Parameters<typeof makeEvents>[0]> = {}) {
  const told = makeToldLog({ log, verify: node.compute.verify, table: node.table, now: node.now });
  return makeEvents({ log: told, now: node.now, look_every_ms: 1, ...changes });
}

function decide(call: Call, action: 'chat' | 'embed', facts: JsonObject = {}): Promise<unknown> {
  const judgement = { action, resource: { type: 'Model', id: 'm' }, facts: facts as never };
  const outcome = { usage: { in: 1, out: 2 }, route: { chosen: 'fake/m' }, finish: 'stop' };
  return node.judge.decide(call, judgement, () => Promise.resolve({ value: 1, outcome }));
}

const append = (predicate_type: string, predicate: JsonObject, call: Partial<Call> = testCall()): Promise<string> => {
  const { principal, request_id = 'r', nextStatement = () => 0 } = call;
  const subject = [{ name: 'constitution', digest: { sha256: 'c'.repeat(64) } }];
  return node.receipts.append(
    { request_id, nextStatement, ...(principal === undefined ? {} : { principal }) },
    { subject, predicate_type, predicate },
  );
};

/** So many events, and then the reader is gone. */
async function take(
  count: number,
  {
    call = testCall(),
    after,
    of = topics,
    from = events(),
  }: { call?: Call; after?: number; of?: readonly Topic[]; from?: ReturnType<typeof events> } = {},
): Promise<readonly FollowedEvent[]> {
  const gone = new AbortController();
  const found: FollowedEvent[] = [];
  for await (const event of from.follow(
    { ...call, signal: gone.signal },
    { topics: of, ...(after === undefined ? {} : { after }) },
  )) {
    found.push(event);
    if (found.length === count) gone.abort();
  }
  return found;
}

describe('events', () => {
  test('are made from sealed entries, in their order, under their index', async () => {
    const first = sealed.length;
    const call = testCall();
    await decide(call, 'chat');
    await append(runType, { run: 'run-1', exit: { code: 0, reason: 'ok' }, used: { cpu_ms: 5 } });
    await append(documentType, { document_seq: 1, constitution_version: 2 }, {});
    await append(countsType, { counts: { malformed: 1 } }, {});
    await seal();
    const found = await take(5, { after: first - 1 });
    expect(found).toMatchObject([
      {
        topic: 'inference.completed',
        seq: first,
        cursor: first,
        subject: 'fake/m',
        data: { model: 'fake/m', usage: { in: 1, out: 2 }, finish: 'stop' },
      },
      {
        topic: 'run.completed',
        seq: first + 1,
        subject: 'run-1',
        data: { run: 'run-1', exit_code: 0, reason: 'ok', used: { cpu_ms: 5 } },
      },
      { topic: 'identity.changed', seq: first + 2, cursor: first + 1, data: { document_seq: 1 } },
      { topic: 'policy.changed', seq: first + 2, cursor: first + 2, data: { constitution_version: 2 } },
      { topic: 'ledger.sealed', seq: first + 3, data: { size: first + 4, root: `root-${first + 4}` } },
    ]);
    expect(new Set(found.map((event) => event.kind === 'event' && event.id)).size).toBe(5);
    const [one] = found;
    if (one?.kind !== 'event') throw new Error('expected an event');
    expect(one.occurred_at).toBe(Math.floor(clock / 1000));
    expect(await node.receipts.get(one.receipt_id ?? '', 'default')).toBeDefined();
  });

  test('go on after a cursor without a gap', async () => {
    const first = sealed.length;
    for (let n = 0; n < 4; n += 1) await decide(testCall(), 'chat');
    await seal();
    const seqs: number[] = [];
    let after = first - 1;
    for (let n = 0; n < 4; n += 1) {
      const [event] = await take(1, { after, of: ['inference.completed'] });
      if (event?.kind !== 'event') throw new Error('expected an event');
      seqs.push(event.seq);
      after = event.cursor;
    }
    expect(seqs).toEqual([first, first + 1, first + 2, first + 3]);
  });

  test('tell a refusal by its action and code', async () => {
    const first = sealed.length;
    const judgement = { action: 'chat' as const, resource: { type: 'Model', id: 'm' }, facts: {} };
    const deny = {
      policy_version: 'a'.repeat(64),
      decide: () => ({ effect: 'deny' as const, policies: [], errors: [] }),
    };
    const judge = makeJudge({ policy: deny, receipts: node.receipts, content: node.content });
    await expect(judge.decide(testCall(), judgement, () => Promise.reject(new Error('never')))).rejects.toThrow(
      'policy_denied',
    );
    await seal();
    expect(await take(1, { after: first - 1 })).toMatchObject([
      { topic: 'decision.refused', subject: 'Model/m', data: { action: 'chat', code: 'policy_denied' } },
    ]);
  });

  test('of another tenant are not told, those of the node are', async () => {
    const first = sealed.length;
    await decide(testCall({ tenant: 'acme' }), 'chat');
    await append(documentType, { document_seq: 2, constitution_version: 2 }, {});
    await decide(testCall(), 'chat');
    await seal();
    const seqs = async (tenant: string) =>
      (await take(3, { call: testCall({ tenant }), after: first - 1 })).map(
        (event) => event.kind === 'event' && event.seq,
      );
    expect(await seqs('acme')).toEqual([first, first + 1, first + 1]);
    expect(await seqs('default')).toEqual([first + 1, first + 1, first + 2]);
  });

  test('without a cursor are those to come', async () => {
    const waiting = take(1, { of: ['inference.completed'] });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const index = sealed.length;
    await decide(testCall(), 'chat');
    await seal();
    expect(await waiting).toMatchObject([{ topic: 'inference.completed', seq: index }]);
  });

  test('older than a week are not told: the reader hears where they begin', async () => {
    clock += 8 * 86_400_000;
    const first = sealed.length;
    await decide(testCall(), 'chat');
    await seal();
    expect(await take(2, { after: 0 })).toMatchObject([
      { kind: 'reset', oldest: first },
      { topic: 'inference.completed', seq: first },
    ]);
  });

  test('end with their reader, and after a quarter of an hour', async () => {
    const gone = new AbortController();
    gone.abort();
    const none: FollowedEvent[] = [];
    for await (const event of events().follow({ ...testCall(), signal: gone.signal }, { topics })) none.push(event);
    for await (const event of events({ follow_ms_max: 0 }).follow(testCall(), { topics })) none.push(event);
    expect(none).toEqual([]);
  });

  test('need the scope by which the thing itself is read', () => {
    const call = testCall();
    const poor = { ...call, principal: { ...call.principal, scopes: ['events' as const, 'chat' as const] } };
    expect(() => events().follow(poor, { topics: ['inference.completed'] })).not.toThrow();
    for (const topic of topics.slice(1)) {
      expect(() => events().follow(poor, { topics: [topic] })).toThrow('policy_denied');
    }
  });

  test('are not built where nobody seals', () => {
    expect(() => events({ log: undefined }).follow(testCall(), { topics })).toThrow('not_built');
  });
});
