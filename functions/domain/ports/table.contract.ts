import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Condition, Item, Operation, Query, Row, Table } from './table.ts';

export interface TableStand {
  readonly table: Table;
  close(): Promise<void>;
  /**
   * Lets another process write transactions of two items `{ round, part: 'a' }` and `{ round, part: 'b' }` under `pk`, at
   * `<round>#a` and `<round>#b`, kills it at a random moment, and answers the rounds that it was told were written.
   */
  crash?(pk: string): Promise<readonly string[]>;
}

const now = Date.UTC(2030, 0, 1);
const now_s = now / 1000;

/** The suite of the Table port. Needs no empty store: every test keeps to keys of its own. */
export function describeTable(name: string, open: () => Promise<TableStand>, crash_rounds = 20): void {
  describe(`Table: ${name}`, () => {
    let stand: TableStand;
    let table: Table;
    let last = 0;
    const run = `contract#${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
    const newPk = () => `${run}#${++last}`;

    beforeAll(async () => {
      stand = await open();
      table = stand.table;
    });
    afterAll(() => stand.close());

    const put = (pk: string, sk: string, item: Item, conditions: readonly Condition[] = []) =>
      table.write({ kind: 'put', key: { pk, sk }, item, conditions }, now);

    async function readAll(query: Query, at = now): Promise<Row[]> {
      const rows: Row[] = [];
      let cursor: string | undefined;
      do {
        const page = await table.query(cursor === undefined ? query : { ...query, cursor }, at);
        expect(page.rows.length).toBeLessThanOrEqual(query.limit);
        rows.push(...page.rows);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return rows;
    }
    const keysOf = async (query: Query) => (await readAll(query)).map(({ sk }) => sk);

    describe('one item', () => {
      test('comes back as it was put, and is absent before and after', async () => {
        const key = { pk: newPk(), sk: 's' };
        const item = { text: 'não, 🙂 \u0000 \ud800', n: -1.5e300, list: [1, null, { a: [] }], yes: true, none: null };
        expect(await table.get(key, now)).toBeUndefined();
        expect(await table.write({ kind: 'put', key, item }, now)).toEqual({ kind: 'written', items: [item] });
        expect(await table.get(key, now)).toEqual(item);
        expect(await table.write({ kind: 'delete', key }, now)).toEqual({ kind: 'written', items: [undefined] });
        expect(await table.get(key, now)).toBeUndefined();
        expect(await table.write({ kind: 'delete', key }, now)).toEqual({ kind: 'written', items: [undefined] });
      });

      test('is replaced whole by a put', async () => {
        const pk = newPk();
        await put(pk, 's', { a: 1, b: 2 });
        await put(pk, 's', { c: 3 });
        expect(await table.get({ pk, sk: 's' }, now)).toEqual({ c: 3 });
      });

      test('is changed field by field by an update, which answers the new item', async () => {
        const key = { pk: newPk(), sk: 's' };
        await table.write({ kind: 'put', key, item: { a: 1, b: 2, c: { d: 1 } } }, now);
        const update = {
          kind: 'update',
          key,
          set: { c: 'x' },
          add: { a: 5, fresh: 2.5 },
          remove: ['b', 'never'],
        } as const;
        const expected = { a: 6, c: 'x', fresh: 2.5 };
        expect(await table.write(update, now)).toEqual({ kind: 'written', items: [expected] });
        expect(await table.get(key, now)).toEqual(expected);
      });

      test('starts from nothing when an absent one is updated', async () => {
        const key = { pk: newPk(), sk: 's' };
        expect(await table.write({ kind: 'update', key, add: { n: 1 } }, now)).toEqual({
          kind: 'written',
          items: [{ n: 1 }],
        });
      });

      test('may have fields that objects inherit', async () => {
        const key = { pk: newPk(), sk: 's' };
        const conditions: Condition[] = [{ kind: 'equals', field: 'constructor', value: 1 }];
        await table.write({ kind: 'put', key, item: { plain: 1 } }, now);
        expect(await table.write({ kind: 'check', key, conditions }, now)).toMatchObject({ kind: 'refused' });
        await table.write({ kind: 'update', key, add: { constructor: 1 } }, now);
        expect(await table.write({ kind: 'check', key, conditions }, now)).toMatchObject({ kind: 'written' });
      });

      test('cannot be added to where it holds no number', async () => {
        const key = { pk: newPk(), sk: 's' };
        await table.write({ kind: 'put', key, item: { text: 'x', none: null } }, now);
        for (const field of ['text', 'none']) {
          await expect(table.write({ kind: 'update', key, add: { [field]: 1 } }, now)).rejects.toThrow(TypeError);
        }
        expect(await table.get(key, now)).toEqual({ text: 'x', none: null });
      });
    });

    describe('conditions', () => {
      const item: Item = { version: 7, n: 5, text: 'x', none: null, yes: false };
      const holding: Condition[] = [
        { kind: 'exists' },
        { kind: 'equals', field: 'text', value: 'x' },
        { kind: 'equals', field: 'none', value: null },
        { kind: 'equals', field: 'yes', value: false },
        { kind: 'less', field: 'n', value: 6 },
        { kind: 'versionIs', version: 7 },
      ];
      const broken: Condition[] = [
        { kind: 'absent' },
        { kind: 'equals', field: 'text', value: 'y' },
        { kind: 'equals', field: 'n', value: '5' },
        { kind: 'equals', field: 'missing', value: null },
        { kind: 'less', field: 'n', value: 5 },
        { kind: 'less', field: 'text', value: 5 },
        { kind: 'less', field: 'missing', value: 5 },
        { kind: 'versionIs', version: 6 },
      ];

      test('that hold together let the write through', async () => {
        const pk = newPk();
        expect((await put(pk, 's', item, [{ kind: 'absent' }])).kind).toBe('written');
        expect((await put(pk, 's', item, holding)).kind).toBe('written');
      });

      test.each(broken)('refuse, name themselves and give the current item: %j', async (condition) => {
        const pk = newPk();
        await put(pk, 's', item);
        const refused = { kind: 'refused', operation: 0, condition, current: item };
        const key = { pk, sk: 's' };
        const conditions = [...holding, condition];
        expect(await table.write({ kind: 'put', key, item: {}, conditions }, now)).toEqual(refused);
        expect(await table.write({ kind: 'update', key, set: { n: 0 }, conditions }, now)).toEqual(refused);
        expect(await table.write({ kind: 'delete', key, conditions }, now)).toEqual(refused);
        expect(await table.write({ kind: 'check', key, conditions }, now)).toEqual(refused);
        expect(await table.get(key, now)).toEqual(item);
      });

      test.each(holding)('do not hold of an absent item: %j', async (condition) => {
        const refused = { kind: 'refused', operation: 0, condition, current: undefined };
        expect(await put(newPk(), 's', {}, [condition])).toEqual(refused);
      });

      test('let exactly one of 50 writers make an item', async () => {
        const pk = newPk();
        const results = await Promise.all(
          Array.from({ length: 50 }, (_, writer) => put(pk, 's', { writer }, [{ kind: 'absent' }])),
        );
        const winners = results.flatMap((result, writer) => (result.kind === 'written' ? [writer] : []));
        expect(winners).toHaveLength(1);
        expect(await table.get({ pk, sk: 's' }, now)).toEqual({ writer: winners[0] });
        for (const result of results)
          if (result.kind === 'refused') expect(result.current).toEqual({ writer: winners[0] });
      });

      test('let exactly one of 50 writers take each version', async () => {
        const pk = newPk();
        await put(pk, 's', { version: 0 });
        for (let version = 0; version < 4; version += 1) {
          const results = await Promise.all(
            Array.from({ length: 50 }, () => put(pk, 's', { version: version + 1 }, [{ kind: 'versionIs', version }])),
          );
          expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(1);
        }
      });

      test('are not needed to count: 50 additions at once all arrive', async () => {
        const key = { pk: newPk(), sk: 's' };
        const written = await Promise.all(
          Array.from({ length: 50 }, () => table.write({ kind: 'update', key, add: { n: 1 } }, now)),
        );
        const seen = written.map((result) => (result.kind === 'written' ? result.items[0]?.['n'] : undefined));
        expect(new Set(seen).size).toBe(50);
        expect(await table.get(key, now)).toEqual({ n: 50 });
      });
    });

    describe('transactions', () => {
      test('write everything and answer in order', async () => {
        const pk = newPk();
        await put(pk, 'old', { n: 1 });
        await put(pk, 'counted', { n: 1 });
        const result = await table.transact(
          [
            { kind: 'put', key: { pk, sk: 'new' }, item: { n: 2 }, conditions: [{ kind: 'absent' }] },
            { kind: 'update', key: { pk, sk: 'counted' }, add: { n: 4 } },
            { kind: 'delete', key: { pk, sk: 'old' }, conditions: [{ kind: 'exists' }] },
            { kind: 'check', key: { pk, sk: 'none' }, conditions: [{ kind: 'absent' }] },
          ],
          now,
        );
        expect(result).toEqual({ kind: 'written', items: [{ n: 2 }, { n: 5 }, undefined, undefined] });
        expect(await keysOf({ pk, limit: 10 })).toEqual(['counted', 'new']);
      });

      test('change nothing when one condition fails, and say which', async () => {
        const pk = newPk();
        await put(pk, 'b', { n: 1 });
        const condition: Condition = { kind: 'less', field: 'n', value: 1 };
        const result = await table.transact(
          [
            { kind: 'put', key: { pk, sk: 'a' }, item: {} },
            { kind: 'delete', key: { pk, sk: 'c' } },
            { kind: 'update', key: { pk, sk: 'b' }, add: { n: 1 }, conditions: [{ kind: 'exists' }, condition] },
          ],
          now,
        );
        expect(result).toEqual({ kind: 'refused', operation: 2, condition, current: { n: 1 } });
        expect(await readAll({ pk, limit: 10 })).toEqual([{ sk: 'b', item: { n: 1 } }]);
      });

      test('change nothing when one operation is broken', async () => {
        const pk = newPk();
        await put(pk, 'b', { text: 'x' });
        const operations: Operation[] = [
          { kind: 'put', key: { pk, sk: 'a' }, item: {} },
          { kind: 'update', key: { pk, sk: 'b' }, add: { text: 1 } },
        ];
        await expect(table.transact(operations, now)).rejects.toThrow(TypeError);
        expect(await keysOf({ pk, limit: 10 })).toEqual(['b']);
      });

      test('take 100 operations, not 101 and not none', async () => {
        const pk = newPk();
        const puts = (count: number): Operation[] =>
          Array.from({ length: count }, (_, n) => ({ kind: 'put', key: { pk, sk: `${n}` }, item: { n } }));
        await expect(table.transact(puts(101), now)).rejects.toThrow(TypeError);
        await expect(table.transact([], now)).rejects.toThrow(TypeError);
        expect(await readAll({ pk, limit: 200 })).toEqual([]);
        await table.transact(puts(100), now);
        expect(await readAll({ pk, limit: 200 })).toHaveLength(100);
      });

      test.each([
        ['text', 'x'],
        ['text that escapes', '\u001b'],
        ['text of many bytes', '\u{1f642}'],
      ])('take 4 MiB of JSON, not more: %s', async (_what, unit) => {
        const pk = newPk();
        const { item_bytes_max, transaction_bytes_max } = limits.table;
        const frame = Buffer.byteLength('{"text":""}');
        const unit_bytes = Buffer.byteLength(JSON.stringify(unit)) - 2;
        const textOf = (bytes: number): string => {
          const whole = Math.floor((bytes - frame) / unit_bytes);
          return unit.repeat(whole) + 'x'.repeat(bytes - frame - whole * unit_bytes);
        };
        const count = Math.floor(transaction_bytes_max / item_bytes_max);
        const rest = transaction_bytes_max - count * item_bytes_max;
        const puts = (sizes: readonly number[]): Operation[] =>
          sizes.map((bytes, n) => ({ kind: 'put', key: { pk, sk: `${n}` }, item: { text: textOf(bytes) } }));
        const full = Array.from({ length: count }, () => item_bytes_max);
        await expect(table.transact(puts([...full, rest + 1]), now)).rejects.toThrow(TypeError);
        expect(await readAll({ pk, limit: 200 })).toEqual([]);
        await table.transact(puts([...full, rest]), now);
        expect(await readAll({ pk, limit: 200 })).toHaveLength(count + 1);
      });

      test('take 4 MiB of what costs more as values than as JSON', async () => {
        const pk = newPk();
        const list = Array.from({ length: 20_000 }, () => 0);
        const operations = Array.from(
          { length: 100 },
          (_, n): Operation => ({ kind: 'put', key: { pk, sk: `${n}` }, item: { list } }),
        );
        await table.transact(operations, now);
        expect(await table.get({ pk, sk: '99' }, now)).toEqual({ list });
      });

      test('take one operation for an item', async () => {
        const key = { pk: newPk(), sk: 's' };
        const twice: Operation[] = [
          { kind: 'put', key, item: {} },
          { kind: 'delete', key: { ...key } },
        ];
        await expect(table.transact(twice, now)).rejects.toThrow(TypeError);
      });

      test('of crossing writers never mix: the sum stays', async () => {
        const pk = newPk();
        await put(pk, 'a', { n: 100 });
        await put(pk, 'b', { n: 100 });
        await Promise.all(
          Array.from({ length: 50 }, (_, index) => {
            const [from, to] = index % 2 === 0 ? ['a', 'b'] : ['b', 'a'];
            return table.transact(
              [
                { kind: 'update', key: { pk, sk: from ?? '' }, add: { n: -index } },
                { kind: 'update', key: { pk, sk: to ?? '' }, add: { n: index } },
              ],
              now,
            );
          }),
        );
        const rows = await readAll({ pk, limit: 10 });
        expect(rows.map(({ item }) => Number(item['n'])).reduce((sum, n) => sum + n, 0)).toBe(200);
      });
    });

    describe('expiry', () => {
      test('is judged by `now`, to the second, on every read', async () => {
        const pk = newPk();
        await put(pk, 's', { expires_at: now_s + 10 });
        for (const [at, is_there] of [
          [now, true],
          [now + 9_999, true],
          [now + 10_000, false],
          [now + 99_000, false],
          [now + 1, true],
        ] as const) {
          expect((await table.get({ pk, sk: 's' }, at)) !== undefined).toBe(is_there);
          expect((await table.query({ pk, limit: 5 }, at)).rows).toHaveLength(is_there ? 1 : 0);
        }
      });

      test('makes an item absent to every condition and operation', async () => {
        const key = { pk: newPk(), sk: 's' };
        const later = now + 60_000;
        await table.write({ kind: 'put', key, item: { n: 5, expires_at: now_s + 10 } }, now);
        const refused = { kind: 'refused', operation: 0, condition: { kind: 'exists' }, current: undefined };
        expect(await table.write({ kind: 'delete', key, conditions: [{ kind: 'exists' }] }, later)).toEqual(refused);
        const update = { kind: 'update', key, add: { n: 1 }, conditions: [{ kind: 'absent' }] } as const;
        expect(await table.write(update, now)).toMatchObject({ kind: 'refused', current: { n: 5 } });
        expect(await table.write(update, later)).toEqual({ kind: 'written', items: [{ n: 1 }] });
        expect(await table.get(key, later)).toEqual({ n: 1 });
      });

      test('can be moved and taken away', async () => {
        const key = { pk: newPk(), sk: 's' };
        await table.write({ kind: 'put', key, item: { expires_at: now_s + 10 } }, now);
        await table.write({ kind: 'update', key, set: { expires_at: now_s + 20 } }, now);
        expect(await table.get(key, now + 15_000)).toBeDefined();
        expect(await table.get(key, now + 20_000)).toBeUndefined();
        await table.write({ kind: 'update', key, remove: ['expires_at'] }, now);
        expect(await table.get(key, now + 1e12)).toEqual({});
      });

      test('never shortens a page into an early end', async () => {
        const pk = newPk();
        for (let n = 0; n < 20; n += 1) {
          await put(pk, String(n).padStart(2, '0'), n % 10 === 9 ? {} : { expires_at: now_s + 1 });
        }
        const rows = await readAll({ pk, limit: 1 }, now + 5000);
        expect(rows.map(({ sk }) => sk)).toEqual(['09', '19']);
      });

      test.each([now_s + 0.5, -1, '2030-01-01', null, now])(
        'takes whole Unix seconds alone, not %j',
        async (expires_at) => {
          const key = { pk: newPk(), sk: 's' };
          await expect(table.write({ kind: 'put', key, item: { expires_at } }, now)).rejects.toThrow(TypeError);
          await expect(table.write({ kind: 'update', key, set: { expires_at } }, now)).rejects.toThrow(TypeError);
        },
      );
    });

    describe('queries', () => {
      // In UTF-16 the emoji (0xd83d…) sorts before U+FFFD; in UTF-8 it sorts after.
      const awkward = [
        '!',
        'a',
        'a#',
        'a#1',
        'a#\u{10ffff}',
        'a#\u{10ffff}z',
        'a$',
        'aé',
        'b',
        '\ud7ff',
        '\ue000',
        '\ufffd',
        '🙂',
        '\u{10ffff}',
      ];
      const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
      let pk: string;

      beforeAll(async () => {
        pk = newPk();
        await table.transact(
          awkward.map((sk) => ({ kind: 'put', key: { pk, sk }, item: { sk } })),
          now,
        );
        await put(`${pk}0`, 'a', { other: true });
      });

      test('give the rows of one partition in the order of UTF-8 bytes', async () => {
        const rows = await readAll({ pk, limit: 100 });
        expect(rows.map(({ sk }) => sk)).toEqual([...awkward].sort(byBytes));
        expect(rows.every(({ sk, item }) => item['sk'] === sk)).toBe(true);
      });

      test.each([1, 2, 5, 13, 14])('page by %d, forwards and backwards, and miss or repeat nothing', async (limit) => {
        const sorted = [...awkward].sort(byBytes);
        expect(await keysOf({ pk, limit })).toEqual(sorted);
        expect(await keysOf({ pk, limit, reverse: true })).toEqual(sorted.toReversed());
        expect(await keysOf({ pk, limit, from: 'a#', to: 'b' })).toEqual(
          sorted.filter((sk) => byBytes(sk, 'a#') >= 0 && byBytes(sk, 'b') <= 0),
        );
      });

      test.each(['a', 'a#', 'a#\u{10ffff}', 'é', '\ud7ff', '\ufffd', '\u{10ffff}', '🙂', 'nothing'])(
        'find what starts with %j and nothing else',
        async (prefix) => {
          const expected = awkward.filter((sk) => sk.startsWith(prefix)).sort(byBytes);
          expect(await keysOf({ pk, prefix, limit: 2 })).toEqual(expected);
          expect(await keysOf({ pk, prefix, limit: 2, reverse: true })).toEqual(expected.toReversed());
        },
      );

      test('include both ends of a range, of which either may be missing', async () => {
        expect(await keysOf({ pk, from: 'a', to: 'a#1', limit: 10 })).toEqual(['a', 'a#', 'a#1']);
        expect(await keysOf({ pk, to: 'a', limit: 10 })).toEqual(['!', 'a']);
        expect(await keysOf({ pk, from: '🙂', limit: 10 })).toEqual(['🙂', '\u{10ffff}']);
        expect(await keysOf({ pk, from: 'b', to: 'a', limit: 10 })).toEqual([]);
      });

      test('do not skip what is written behind the cursor while they page', async () => {
        const own = newPk();
        for (const sk of ['b', 'd', 'f']) await put(own, sk, {});
        const first = await table.query({ pk: own, limit: 1 }, now);
        await put(own, 'a', {});
        await put(own, 'c', {});
        await table.write({ kind: 'delete', key: { pk: own, sk: 'b' } }, now);
        const { cursor = '' } = first;
        const rest = await table.query({ pk: own, limit: 10, cursor }, now);
        expect([...first.rows, ...rest.rows].map(({ sk }) => sk)).toEqual(['b', 'c', 'd', 'f']);
      });

      test('refuse a cursor of another query, and one that is none', async () => {
        const { cursor = '' } = await table.query({ pk, prefix: 'a', limit: 2 }, now);
        expect(cursor).not.toBe('');
        const others: Query[] = [
          { pk, limit: 2 },
          { pk, prefix: 'a#', limit: 2 },
          { pk, from: 'a', limit: 2 },
          { pk, prefix: 'a', limit: 2, reverse: true },
          { pk: `${pk}0`, prefix: 'a', limit: 2 },
        ];
        for (const query of others) await expect(table.query({ ...query, cursor }, now)).rejects.toThrow(TypeError);
        for (const text of ['', 'x', 'AAAA', '🙂', `${cursor}AA`.slice(4)]) {
          await expect(table.query({ pk, prefix: 'a', limit: 2, cursor: text }, now)).rejects.toThrow(TypeError);
        }
        expect((await table.query({ pk, prefix: 'a', limit: 9, cursor }, now)).rows.length).toBeGreaterThan(0);
      });

      test.each([0, -1, 1.5, 1001, Number.NaN])('take 1 to 1000 rows, not %d', async (limit) => {
        await expect(table.query({ pk, limit }, now)).rejects.toThrow(TypeError);
      });

      test('take a prefix or a range, not both', async () => {
        await expect(table.query({ pk, prefix: 'a', to: 'b', limit: 1 }, now)).rejects.toThrow(TypeError);
      });
    });

    describe('limits', () => {
      const long = 'é'.repeat(512);

      test.each(['', 'a\0b', `${long}x`, '\ud800', 'x\udc00'])('refuse the key %j', async (text) => {
        for (const key of [
          { pk: text, sk: 's' },
          { pk: newPk(), sk: text },
        ]) {
          await expect(table.get(key, now)).rejects.toThrow(TypeError);
          await expect(table.write({ kind: 'put', key, item: {} }, now)).rejects.toThrow(TypeError);
          await expect(table.write({ kind: 'check', key, conditions: [] }, now)).rejects.toThrow(TypeError);
        }
        await expect(table.query({ pk: text, limit: 1 }, now)).rejects.toThrow(TypeError);
      });

      test('take a key of 1,024 bytes', async () => {
        const key = { pk: newPk(), sk: long };
        await table.write({ kind: 'put', key, item: { n: 1 } }, now);
        expect(await table.get(key, now)).toEqual({ n: 1 });
      });

      test('count an item in bytes of UTF-8', async () => {
        const key = { pk: newPk(), sk: 's' };
        const room = limits.table.item_bytes_max - '{"text":""}'.length;
        const fits = { text: 'é'.repeat(room / 2) + 'x'.repeat(room % 2) };
        await table.write({ kind: 'put', key, item: fits }, now);
        expect(await table.get(key, now)).toEqual(fits);
        const over = { text: `${fits.text}x` };
        await expect(table.write({ kind: 'put', key, item: over }, now)).rejects.toThrow(TypeError);
        await expect(table.write({ kind: 'update', key, set: { more: 1 } }, now)).rejects.toThrow(TypeError);
        expect(await table.get(key, now)).toEqual(fits);
      });

      test('refuse an update that contradicts itself', async () => {
        const key = { pk: newPk(), sk: 's' };
        for (const update of [
          { set: { a: 1 }, add: { a: 1 } },
          { set: { a: 1 }, remove: ['a'] },
          { add: { a: Number.NaN } },
          { add: { a: Infinity } },
        ]) {
          await expect(table.write({ kind: 'update', key, ...update }, now)).rejects.toThrow(TypeError);
        }
      });
    });

    test('keeps every acknowledged transaction, and no half of one, when its writer is killed', async () => {
      if (stand.crash === undefined) return;
      for (let round = 0; round < crash_rounds; round += 1) {
        const pk = newPk();
        const acknowledged = await stand.crash(pk);
        table = stand.table;
        const rows = await readAll({ pk, limit: 1000 });
        const found = new Set(rows.map(({ sk }) => sk));
        for (const id of acknowledged) expect([found.has(`${id}#a`), found.has(`${id}#b`)]).toEqual([true, true]);
        for (const { sk, item } of rows) {
          const [id = '', part = ''] = sk.split('#');
          expect(item).toMatchObject({ round: id, part });
          expect(found.has(`${id}#${part === 'a' ? 'b' : 'a'}`)).toBe(true);
        }
        expect(acknowledged.length).toBeGreaterThan(0);
      }
    }, 120_000);
  });
}
