import { expect, test } from '@jest/globals';
import template from '../constitution/template.json' with { type: 'json' };
import { readRules } from '../constitution/rules.ts';
import { complianceOf, type Shown } from './compliance.ts';

const rules = readRules({ ...template, version: 1, prev: null, effective: '2026-11-24T09:00:00Z' });
const strict = rules.gates.find(({ enforcement, bar }) => enforcement === 'strict' && bar === 10_000)?.id ?? '';
const advisory = rules.gates.find(({ enforcement }) => enforcement !== 'strict')?.id;

function judged(shown: { readonly [rule: string]: Shown }, asked?: readonly string[]) {
  const found = { id: 'verdict', shown: new Map(Object.entries(shown)), parents: [] };
  return complianceOf({ rules, found, asked });
}

const pass: Shown = { state: 'pass', score: 10_000 };

test('what passed and still reaches the bar complies', () => {
  expect(judged({ [strict]: pass, ihsan: { state: 'pass', score: 9500 } }).compliant).toBe(true);
});

test.each<[string, Shown]>([
  ['is below the bar of now', { state: 'pass', score: 9999 }],
  ['failed then', { state: 'fail', score: 10_000, code: 'gate.leak' }],
  ['came to no end', { state: 'error', score: 10_000, code: 'gate.deadline' }],
])('what %s does not', (_case, shown) => {
  const { compliant, checks } = judged({ [strict]: shown });
  expect([compliant, checks[0]?.passed]).toEqual([false, false]);
});

test('one failure among passes is enough', () => {
  expect(judged({ [strict]: pass, ihsan: { state: 'pass', score: 9499 } }).compliant).toBe(false);
});

test('what was asked for and nothing shows has failed', () => {
  const { compliant, checks } = judged({ ihsan: { state: 'pass', score: 10_000 } }, ['ihsan', strict]);
  expect(compliant).toBe(false);
  expect(checks[1]).toMatchObject({ rule: strict, passed: false, evidence: null });
});

test('what the constitution leaves out has not failed', () => {
  expect(judged({ [strict]: { state: 'na', score: 0 } }).compliant).toBe(true);
});

test('nothing strict is no compliance', () => {
  expect(judged({}).compliant).toBe(false);
  if (advisory !== undefined) expect(judged({ [advisory]: pass }).compliant).toBe(false);
});

test('a rule of no constitution is refused', () => {
  expect(() => judged({}, ['G99'])).toThrow('expected gates of the constitution');
});
