import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { rejectRecords } from '../../functions/domain/reject-codes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Files under a folder whose names end so. */
function filesIn(folder: string, ending: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.includes('node_modules'))
    .map((file) => readFileSync(join(root, folder, file), 'utf8'));
}

const tests = ['functions', 'clients', 'tests'].flatMap((folder) => filesIn(folder, '.test.ts'));
const vectors = filesIn('shared/vectors', '.json');
const crates = ['signing', 'translog'].map((crate) => `rust-lambdas/crates/${crate}/src`);
/** Names of the variants by their codes. */
const variants = new Map(
  crates
    .flatMap((folder) => filesIn(folder, 'reject.rs'))
    .flatMap((source) => [...source.matchAll(/Self::(\w+) => "([a-z]+\.[a-z0-9_]+)"/g)])
    .map(([, variant = '', code = '']) => [code, variant]),
);
const rustTests = crates.flatMap((folder) => filesIn(folder, '.rs')).filter((source) => source.includes('#[test]'));
const codes = rejectRecords.map(({ code }) => code);

test('every code and number stands once, in order, in the range of verdicts', () => {
  const numbers = rejectRecords.map(({ number }) => number);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(new Set(codes).size).toBe(codes.length);
  for (const { number, code, http } of rejectRecords) {
    expect(code).toMatch(/^[a-z]+(\.[a-z0-9_]+)?$/);
    expect(number).toBeGreaterThanOrEqual(100);
    expect(number).toBeLessThanOrEqual(255);
    expect(http).toBeGreaterThanOrEqual(400);
    expect(http).toBeLessThan(600);
  }
});

test('every code of the Rust crates is one of them', () => {
  expect(variants.size).toBeGreaterThan(20);
  for (const code of variants.keys()) expect(codes).toContain(code);
});

/** A code that nothing is known to produce is listed with the reason, and one that is produced is not. */
test.each(rejectRecords)('$code is produced by a case, or says why not', ({ code, not_produced }) => {
  const isProduced =
    vectors.some((text) => text.includes(`"code": "${code}"`)) ||
    tests.some((text) => text.includes(`'${code}'`)) ||
    rustTests.some((source) => variants.has(code) && source.includes(`Reject::${variants.get(code)}`));
  expect({ code, isProduced }).toEqual({ code, isProduced: not_produced === undefined });
});
