import { expect, test } from '@jest/globals';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import { createGateFilter } from './gate-filter.ts';
import { NodeError } from './node-error.ts';

const good = { passed: true, snr_bp: 9_000, ihsan_bp: 9_900, results: [{ gate: 'G7', passed: true }] };

function filterOf(answer: JsonObject | Error) {
  const asked: object[] = [];
  const node = {
    checkGates: (request: object) => {
      asked.push(request);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  return { filter: createGateFilter(node), asked };
}

test('lets an item through on the verdict alone', async () => {
  const { filter, asked } = filterOf(good);
  expect(await filter.apply({ content: 'x', title: 'mine', snr_score: 0.1 })).toEqual({
    pass: true,
    reasons: [],
    verdict: good,
  });
  expect(asked).toEqual([{ content: 'x', snr_score: 0.1 }]);
  expect([filter.name, filter.weight]).toEqual(['gates', 2]);
  expect(createGateFilter({ checkGates: async () => good }, { weight: 5 }).weight).toBe(5);
});

test.each<[string, JsonObject | Error, readonly string[]]>([
  [
    'the verdict says no',
    { ...good, passed: false, code: 'gate.snr', results: [{ gate: 'G7', passed: false, code: 'gate.snr' }] },
    ['gate.snr', 'G7: gate.snr'],
  ],
  ['the verdict gives no reason', { ...good, passed: false, results: [] }, ['gate_refused']],
  ['there is no verdict in the answer', {}, ['gate_refused', 'snr.missing']],
  ['`passed` is no truth', { ...good, passed: 'true' }, ['gate_refused']],
  ['a score is missing', { passed: true, ihsan_bp: 9_900, results: [] }, ['snr.missing']],
  ['the other score is missing', { passed: true, snr_bp: 9_900, results: [] }, ['ihsan.missing']],
  [
    'the node is away',
    new NodeError({ kind: 'unavailable', code: 'node_unavailable', detail: '' }),
    ['gate.unavailable'],
  ],
  ['the answer is late', new NodeError({ kind: 'timeout', code: 'node_timeout', detail: '' }), ['gate.deadline']],
  [
    'the answer is nonsense',
    new NodeError({ kind: 'malformed', code: 'node_malformed', detail: '' }),
    ['gate.unavailable'],
  ],
  [
    'the node refuses',
    new NodeError({ kind: 'refused', code: 'gate_deadline', reason: 'gate.deadline', detail: '' }),
    ['gate.deadline'],
  ],
  ['something broke', new Error('x'), ['gate.unavailable']],
])('keeps an item back where %s', async (_, answer, reasons) => {
  const { filter } = filterOf(answer);
  expect(await filter.apply({ content: 'x', snr_score: 1, ihsan_score: 1 })).toMatchObject({ pass: false, reasons });
});
