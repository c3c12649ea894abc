import { beforeAll, describe, expect, test } from '@jest/globals';
import { foreignLog, foreignWitness } from '../../../tests/fixtures/foreign-log.ts';
import { openWasmCompute } from '../../adapters/wasm/wasm-compute.ts';
import type { LedgerCompute } from '../ports/ledger-compute.ts';
import { judgeByPins } from './judge-checkpoint.ts';
import { isPolicy, logKeysOf, policyOf } from './pin.ts';
import { quorumDetail } from './verify-log-proof.ts';

const log = foreignLog();
const witnesses = ['a.example', 'b.example', 'c.example'].map(foreignWitness);
const [a, b, c] = witnesses.map(({ vkey }) => vkey);
const documents = [{ log: { origin: log.origin, vkeys: [log.vkey] } }];
const lines = `witness A ${a}\nwitness B ${b}\nwitness C ${c}\ngroup two 2 A B C\nquorum two\n`;

let ledger: LedgerCompute;
beforeAll(async () => {
  ({ ledger } = (await openWasmCompute()).verify);
});

/** A checkpoint that those witnesses cosigned. */
function cosignedBy(...places: readonly number[]): string {
  const note = log.checkpoint(3);
  return note + places.map((place) => witnesses[place]?.cosign(note, 1_900_000_000) ?? '').join('');
}

const judged = (note: string, policy?: string) =>
  judgeByPins(ledger, note, [{ node_id: 'did:key:z', documents, ...(policy === undefined ? {} : { policy }) }]);

describe('a policy', () => {
  test('without logs is about those of the documents, with logs about its own', () => {
    expect(policyOf({ documents, policy: lines })).toBe(`log ${log.vkey}\n${lines}`);
    const own = `log ${foreignLog('other').vkey}\n${lines}`;
    expect(policyOf({ documents, policy: own })).toBe(own);
    expect(logKeysOf({ documents, policy: own })).toEqual([own.split('\n')[0]?.slice(4)]);
    expect(logKeysOf({ documents, policy: lines })).toEqual([log.vkey]);
    expect(policyOf({ documents })).toBe(`log ${log.vkey}\nquorum none\n`);
    expect(policyOf({ documents: [] })).toBeUndefined();
  });

  test('is told from what is none', async () => {
    for (const policy of [lines, 'quorum none\n', `# only this\nquorum none\n`])
      expect(await isPolicy(ledger, policy)).toBe(true);
    for (const policy of ['', 'quorum none', 'quorum nobody\n', `${lines}quorum none\n`, `witness A x\nquorum A\n`]) {
      expect(await isPolicy(ledger, policy)).toBe(false);
    }
  });
});

describe('a quorum of two of three', () => {
  test.each([
    [[0, 1], true],
    [[1, 2], true],
    [[0, 1, 2], true],
    [[0], false],
    [[], false],
    [[2, 2], false],
  ])('cosigned by %j: %j', async (places, holds) => {
    const answer = await judged(cosignedBy(...places), lines);
    expect(answer).toMatchObject(holds ? { ok: true, has_quorum: true } : { ok: false, code: 'log.quorum' });
  });

  test('one cosignature that does not hold refuses the whole, though two others hold', async () => {
    const forged = cosignedBy(0, 1) + (witnesses[2]?.cosign(log.checkpoint(4), 1_900_000_000) ?? '');
    expect(await judged(forged, lines)).toMatchObject({ ok: false, code: 'sig.invalid' });
  });
});

test('what is said of a quorum is what was asked for', async () => {
  const none = await judged(cosignedBy(0), `witness A ${a}\nquorum none\n`);
  expect(none?.ok === true ? quorumDetail(none) : '').toBe('quorum none is asked for; cosigned by A');
  expect(quorumDetail({ witnesses: [], has_quorum: false })).toContain('no witness vouches');
  expect(quorumDetail({ witnesses: ['A', 'B'], has_quorum: true })).toBe('cosigned by A, B');
});
