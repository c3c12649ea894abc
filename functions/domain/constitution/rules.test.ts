import { readFileSync, readdirSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { openWasmCompute } from '../../adapters/wasm/wasm-compute.ts';
import { firstConstitution } from './constitution.ts';
import { chainOf, ConstitutionRefusedError, outChainOf, readRules } from './rules.ts';

const document = firstConstitution(1);
const rules = readRules(document);

test('what a new node begins with names the scorers and lists of this build', async () => {
  const { gates } = await openWasmCompute();
  const { scorers, lists } = await gates.describeScorers();
  expect(rules.scorers).toEqual(scorers);
  expect(document['lists']).toEqual(lists);
});

test('the digests are those of the files', () => {
  const folder = new URL('../../../rust-lambdas/crates/gates/', import.meta.url);
  const sha256 = (path: string): string =>
    createHash('sha256')
      .update(readFileSync(new URL(path, folder)))
      .digest('hex');
  for (const { id, sha256: named } of rules.scorers) {
    expect(sha256(`parameters/${id.replace('/', '-')}.json`)).toBe(named);
  }
  expect(readdirSync(new URL('lists', folder)).length).toBe((document['lists'] as object[]).length);
});

test('the bar of `snr/1` is the threshold, and every scorer that a gate names is pinned', () => {
  expect(rules.gates.find(({ scorer }) => scorer === 'snr/1')?.bar).toBe(rules.thresholds.snr);
  const pinned = rules.scorers.map(({ id }) => id);
  for (const { scorer } of rules.gates) if (scorer !== null) expect(pinned).toContain(scorer);
});

test('the chain of an action is that of the document, in its order', () => {
  const chain = chainOf(rules, 'checkGates');
  expect(chain.source).toBe('constitution');
  expect(chain.gates.map(({ id }) => id).join(' ')).toBe('G0 G2 G3 G1 G4 G6 G5 G7 G8 G9 G10 G11');
  expect(chainOf(rules, 'chat').gates.map(({ id }) => id)).toEqual(['G0', 'G6', 'G7', 'G8', 'G9', 'G11']);
  expect(outChainOf(rules, 'chat')?.gates.map(({ id }) => id)).toEqual(['G0', 'G8']);
});

test('a gate may count otherwise in one chain, and as before in the others', () => {
  const enforcementIn = (action: string): string | undefined =>
    chainOf(rules, action).gates.find(({ id }) => id === 'G7')?.enforcement;
  expect([enforcementIn('chat'), enforcementIn('checkGates')]).toEqual(['monitor', 'strict']);
});

test('a chain of what goes out that is not listed is none, and one that is empty is one', () => {
  expect(outChainOf(rules, 'embed')).toBeUndefined();
  const emptied = readRules({ ...document, chains: { 'chat.out': [] } });
  expect(outChainOf(emptied, 'chat')?.gates).toEqual([]);
  expect(outChainOf(rules, 'constructor')).toBeUndefined();
});

test.each(['fly', 'constructor', '__proto__', 'toString', ''])('the full form has no chain for `%s`', (action) => {
  expect(chainOf(rules, action)).toMatchObject({ gates: [], source: 'constitution' });
});

const older = {
  ...document,
  scorers: [],
  lists: [],
  gates: [{ id: 'G0', scorer: null, bar: 10_000, mandatory: true, enforcement: 'strict' }],
  chains: { chat: ['G0'] },
};

test('a constitution of the older form keeps its chains and has the built-in one for what it is silent about', () => {
  const read = readRules(older);
  expect(chainOf(read, 'chat')).toMatchObject({ source: 'constitution', gates: [{ id: 'G0' }] });
  const chain = chainOf(read, 'checkGates');
  expect(chain.source).toBe('built-in/1');
  expect(chain.gates).toEqual(chainOf(rules, 'checkGates').gates);
  expect(chainOf(read, 'fly').gates).toEqual([]);
});

test.each<[string, object]>([
  ['a bar over 10,000', { gates: [{ ...rules.gates[0], bar: 10_001 }] }],
  ['a bar that is no integer', { gates: [{ ...rules.gates[0], bar: 0.85 }] }],
  ['a threshold as a share', { thresholds: { snr: 0.85, ihsan: 0.95, gini: 0.35 } }],
  ['an enforcement of no meaning', { gates: [{ ...rules.gates[0], enforcement: 'lenient' }] }],
  ['a gate twice', { gates: [...rules.gates, rules.gates[0]] }],
  ['a gate of no number', { gates: [{ ...rules.gates[0], id: 'G13' }] }],
  ['a chain with a gate that is not there', { chains: { chat: ['G12'] } }],
  ['an entry that names a gate that is not there', { chains: { chat: [{ gate: 'G12', enforcement: 'monitor' }] } }],
  ['an entry with an enforcement of no meaning', { chains: { chat: [{ gate: 'G0', enforcement: 'off' }] } }],
  ['an entry with a bar of its own', { chains: { chat: [{ gate: 'G0', enforcement: 'strict', bar: 1 }] } }],
  ['no thresholds', { thresholds: undefined }],
  ['another version of the form', { v: 2 }],
  ['a budget of nothing', { budgets_ms: { cheap: 0, medium: 1, expensive: 1 } }],
  ['a way with unscored text that is none', { unscored: 'pass' }],
])('%s is refused', (_, changed) => {
  expect(() => readRules({ ...document, ...changed })).toThrow(ConstitutionRefusedError);
});
