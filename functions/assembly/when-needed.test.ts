import { expect, test } from '@jest/globals';
import { whenNeeded } from './when-needed.ts';

interface Port {
  one(n: number): Promise<number>;
  two(): Promise<string>;
}

test('loads once, at the first call, whoever calls', async () => {
  let loads = 0;
  const port = whenNeeded<Port>(['one', 'two'], async () => {
    loads += 1;
    return { one: async (n) => n + 1, two: async () => 'two' };
  });
  expect(loads).toBe(0);
  expect(await Promise.all([port.one(1), port.two(), port.one(2)])).toEqual([2, 'two', 3]);
  expect(loads).toBe(1);
});

test('tries again after a load that failed', async () => {
  let loads = 0;
  const port = whenNeeded<Port>(['one', 'two'], async () => {
    loads += 1;
    if (loads === 1) throw new Error('no module today');
    return { one: async (n) => n, two: async () => '' };
  });
  await expect(port.one(1)).rejects.toThrow('no module today');
  expect(await port.one(1)).toBe(1);
});
