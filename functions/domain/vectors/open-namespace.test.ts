import { expect, test } from '@jest/globals';
import type { Item, Table } from '../ports/table.ts';
import { headKey } from './keys.ts';
import { makeNamespaces } from './open-namespace.ts';

const collection = { id: 'c1', name: 'notes', dimension: 3 };

/** A table in which only these names were ever written. */
function tableOf(names: readonly string[]): Table {
  const refused = () => Promise.reject(new Error('not written here'));
  return {
    get: async ({ pk }) => {
      const known = names.some((name) => pk === pkOf(name));
      return known ? ({ seq: 1, rows: 0 } satisfies Item) : undefined;
    },
    query: async () => ({ rows: [] }),
    write: refused,
    transact: refused,
  };
}

const pkOf = (name: string): string => {
  const spaces = makeNamespaces({ table: tableOf([]), now: () => 0, bytes_max: 0 });
  return headKey(spaces.open('t', collection, name).pk).pk;
};

test('a name that was never written is not remembered, however many are asked for', async () => {
  const spaces = makeNamespaces({ table: tableOf(['real']), now: () => 0, bytes_max: 1_000_000 });
  const invented = spaces.open('t', collection, 'invented');
  expect(await spaces.refresh(invented)).toBeUndefined();
  expect(spaces.open('t', collection, 'invented')).not.toBe(invented);

  const real = spaces.open('t', collection, 'real');
  expect(await spaces.refresh(real)).toEqual({ seq: 1, rows: 0 });
  expect(spaces.open('t', collection, 'real')).toBe(real);
});

test('namespaces without a row count as well: the least recently used goes', async () => {
  const names = ['a', 'b', 'c'];
  const spaces = makeNamespaces({ table: tableOf(names), now: () => 0, bytes_max: 2 * 1024 });
  const opened = new Map<string, unknown>();
  for (const name of ['a', 'b', 'a', 'c']) {
    const space = spaces.open('t', collection, name);
    opened.set(name, space);
    await spaces.refresh(space);
  }
  expect(names.filter((name) => spaces.open('t', collection, name) === opened.get(name))).toEqual(['a', 'c']);
});
