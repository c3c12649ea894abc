import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Json, JsonObject } from '../json.ts';
import type { Condition, Item, Operation, Query, Refused, Row, Table, Written } from './table.ts';
import type { TableStand } from './table.contract.ts';

const start = Date.UTC(2030, 0, 1);

/** Does whatever comes to mind to a table and to a plain list, `runs` times, and expects the same answers. */
export function describeTableTwin(name: string, open: () => Promise<TableStand>, runs: number): void {
  let stand: TableStand;
  let last = 0;
  const run = `twin${Date.now().toString(36)}#`;

  beforeAll(async () => {
    stand = await open();
  });
  afterAll(() => stand.close());

  test(`${name} and a plain list answer alike, whatever is done to them`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const { table } = stand;
        const twin = plainTable();
        const own_pk = `${run}${(last += 1)}#`;
        let now = start;
        for (const { after_s, operations, read } of steps) {
          now += after_s * 1000;
          const own = operations.map((one) => ({ ...one, key: { ...one.key, pk: own_pk + one.key.pk } }));
          expect(await settled(table.transact(own, now))).toEqual(await settled(twin.transact(own, now)));
          const [first] = own;
          if (first !== undefined) expect(await table.get(first.key, now)).toEqual(await twin.get(first.key, now));
          const { prefix, ...range } = read;
          const query: Query =
            prefix === undefined
              ? { ...range, pk: own_pk + read.pk }
              : { pk: own_pk + read.pk, limit: read.limit, reverse: read.reverse ?? false, prefix };
          expect(await readAll(table, query, now)).toEqual(twin.all(query, now));
        }
      }),
      { numRuns: runs },
    );
  });
}

/** The port's promises in the plainest form: a list of rows that is searched and sorted anew each time. */
function plainTable(): Pick<Table, 'transact' | 'get'> & { all(query: Query, now: number): Row[] } {
  let rows: { pk: string; sk: string; item: Item }[] = [];
  const isLive = (item: Item, now: number) => !('expires_at' in item) || Number(item['expires_at']) * 1000 > now;
  const find = (key: { pk: string; sk: string }, now: number) =>
    rows.find(({ pk, sk, item }) => pk === key.pk && sk === key.sk && isLive(item, now))?.item;

  function holds(condition: Condition, item: Item | undefined): boolean {
    if (condition.kind === 'absent') return item === undefined;
    if (item === undefined) return false;
    if (condition.kind === 'exists') return true;
    if (condition.kind === 'versionIs') return item['version'] === condition.version;
    const value = Object.entries(item).find(([field]) => field === condition.field)?.[1];
    if (condition.kind === 'equals') return value === condition.value;
    return typeof value === 'number' && value < condition.value;
  }

  function next(operation: Operation, item: Item | undefined): Item | undefined {
    if (operation.kind === 'check' || operation.kind === 'delete') return undefined;
    if (operation.kind === 'put') return operation.item;
    const added = Object.entries(operation.add ?? {}).map(([field, amount]): [string, Json] => {
      const before = item?.[field];
      if (before !== undefined && typeof before !== 'number') throw new TypeError('no number');
      return [field, (before ?? 0) + amount];
    });
    const all: JsonObject = { ...item, ...operation.set, ...Object.fromEntries(added) };
    return Object.fromEntries(Object.entries(all).filter(([field]) => operation.remove?.includes(field) !== true));
  }

  return {
    async get(key, now) {
      return find(key, now);
    },
    async transact(operations, now): Promise<Written | Refused> {
      const items: (Item | undefined)[] = [];
      for (const [index, operation] of operations.entries()) {
        const current = find(operation.key, now);
        const condition = (operation.conditions ?? []).find((one) => !holds(one, current));
        if (condition !== undefined) return { kind: 'refused', operation: index, condition, current };
        items.push(next(operation, current));
      }
      for (const [index, { kind, key }] of operations.entries()) {
        if (kind === 'check') continue;
        rows = rows.filter(({ pk, sk }) => pk !== key.pk || sk !== key.sk);
        const item = items[index];
        if (item !== undefined) rows.push({ ...key, item });
      }
      return { kind: 'written', items };
    },
    all({ pk, prefix = '', from, to, reverse = false }, now) {
      const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
      const found = rows
        .filter((row) => row.pk === pk && row.sk.startsWith(prefix) && isLive(row.item, now))
        .filter(({ sk }) => (from === undefined || order(sk, from) >= 0) && (to === undefined || order(sk, to) <= 0))
        .map(({ sk, item }) => ({ sk, item }))
        .toSorted((a, b) => order(a.sk, b.sk));
      return reverse ? found.toReversed() : found;
    },
  };
}

const sortKey = fc.constantFrom('a', 'a#', 'a#1', 'aé', 'b', '\ud7ff', '\ufffd', '🙂', '\u{10ffff}');
const partition = fc.constantFrom('p', 'p#', 'q');
const field = fc.constantFrom('n', 'text', 'version', '__proto__', 'constructor');
const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('x', '', 'é🙂'),
  fc.boolean(),
  fc.constant(null),
);
const expiry = fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined });

/** Through text, as every item comes: this is how `__proto__` becomes a field of its own. */
const fields = fc
  .tuple(fc.dictionary(field, scalar, { maxKeys: 3, noNullPrototype: true }), expiry)
  .map(([some, seconds]): JsonObject => {
    const entries: [string, Json][] = Object.entries(some);
    return Object.fromEntries(seconds === undefined ? entries : [...entries, ['expires_at', start / 1000 + seconds]]);
  });

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom<Condition>({ kind: 'absent' }, { kind: 'exists' }),
  fc.record({ kind: fc.constant('equals' as const), field, value: scalar }),
  fc.record({ kind: fc.constant('less' as const), field, value: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ kind: fc.constant('versionIs' as const), version: fc.integer({ min: -3, max: 3 }) }),
);
const key = fc.record({ pk: partition, sk: sortKey });
const conditions = fc.array(condition, { maxLength: 2 });

const update = fc
  .tuple(
    fields,
    fc.dictionary(fc.constantFrom('n', 'version', 'text'), fc.integer({ min: -3, max: 3 }), { maxKeys: 2 }),
  )
  .chain(([set, add]) =>
    fc.subarray(['n', 'text', 'version', 'expires_at']).map((names) => {
      const added = Object.entries(add).filter(([name]) => !Object.hasOwn(set, name));
      const used = [...Object.keys(set), ...added.map(([name]) => name)];
      return { set, add: Object.fromEntries(added), remove: names.filter((name) => !used.includes(name)) };
    }),
  );

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put' as const), key, item: fields, conditions }) },
  {
    weight: 3,
    arbitrary: fc.tuple(key, update, conditions).map(([at, change, all]) => {
      return { kind: 'update' as const, key: at, ...change, conditions: all };
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), key, conditions }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('check' as const), key, conditions }) },
);

const step = fc.record({
  after_s: fc.integer({ min: -5, max: 10 }),
  operations: fc.uniqueArray(operation, {
    minLength: 1,
    maxLength: 4,
    selector: ({ key: { pk, sk } }) => `${pk}\0${sk}`,
  }),
  read: fc.record(
    {
      pk: partition,
      limit: fc.integer({ min: 1, max: 4 }),
      reverse: fc.boolean(),
      prefix: sortKey,
      from: sortKey,
      to: sortKey,
    },
    { requiredKeys: ['pk', 'limit'] },
  ),
});

async function readAll(table: Table, query: Query, now: number): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.query(cursor === undefined ? query : { ...query, cursor }, now);
    rows.push(...page.rows);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}

async function settled(result: Promise<Written | Refused>): Promise<Written | Refused | 'TypeError'> {
  return result.catch((error: unknown) => {
    if (error instanceof TypeError) return 'TypeError';
    throw error;
  });
}
