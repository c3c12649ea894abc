import { describe } from '@jest/globals';
import { describeDigest } from './compute-digest.contract.ts';
import { describeGates } from './compute-gates.contract.ts';
import { describeLedger } from './compute-ledger.contract.ts';
import { describeScore } from './compute-score.contract.ts';
import { describeSign } from './compute-sign.contract.ts';
import { describeVerify } from './compute-verify.contract.ts';
import type { Compute } from './compute.ts';

/** What every build of the crates serves; embedding has its own suite. */
export type ComputeUnderTest = Pick<Compute, 'sign' | 'verify' | 'digest' | 'score' | 'gates'>;

/**
 * The suite of the compute port: the same answers on each adapter, over the shared vectors. An adapter that serves some
 * of the capabilities runs their parts.
 */
export function describeCompute(name: string, open: () => Promise<ComputeUnderTest>): void {
  describe(name, () => {
    const opened = open();
    describeSign(opened);
    describeVerify(opened);
    describeLedger(opened);
    describeDigest(opened);
    describeScore(opened);
    describeGates(opened);
  });
}
