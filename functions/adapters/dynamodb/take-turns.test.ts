import { expect, test } from '@jest/globals';
import { takeTurns } from './take-turns.ts';

test('what shares a name waits, what shares none does not, and a failure holds nobody up', async () => {
  const inTurn = takeTurns();
  const seen: string[] = [];
  const open: (() => void)[] = [];
  const work = (name: string) => async () => {
    seen.push(name);
    await new Promise<void>((resolve) => open.push(resolve));
    if (name === 'ab') throw new Error('broken');
    return name;
  };
  const first = inTurn(['a', 'b'], work('ab'));
  const second = inTurn(['b', 'c'], work('bc'));
  const third = inTurn(['d'], work('d'));
  const fourth = inTurn(['c', 'a'], work('ca'));
  await new Promise(setImmediate);
  expect(seen).toEqual(['ab', 'd']);
  open.shift()?.();
  await expect(first).rejects.toThrow('broken');
  await new Promise(setImmediate);
  expect(seen).toEqual(['ab', 'd', 'bc']);
  open.forEach((go) => go());
  expect(await Promise.all([second, third])).toEqual(['bc', 'd']);
  await new Promise(setImmediate);
  expect(seen).toEqual(['ab', 'd', 'bc', 'ca']);
  open.forEach((go) => go());
  expect(await fourth).toBe('ca');
});
