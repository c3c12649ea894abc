import type { Outcome } from '../../domain/ports/compute.ts';
import type { LedgerCompute, LogClaim, LogFile, TreeHead } from '../../domain/ports/ledger-compute.ts';
import { operations, type AnswerReader, type Field } from './frames.ts';
import type { CallFrames } from './proof-compute.ts';

/** The ledger's part of the compute port over the frames of the crate `compute`. Sizes travel as decimal text. */
export function ledgerCompute(call: CallFrames): LedgerCompute {
  async function ask<T extends object>(
    operation: number,
    item: readonly Field[],
    fields: (answer: AnswerReader) => T,
  ): Promise<Outcome<T>> {
    return call(operation, [item], (answer): Outcome<T> => {
      const code = answer.refusal();
      return code === undefined ? { ok: true, ...fields(answer) } : { ok: false, code };
    });
  }

  return {
    async edge(size) {
      const outcome = await ask(operations.planProofs, [edge, String(size), ''], paths);
      if (!outcome.ok) throw new TypeError(`expected the size of a log, got ${size}`);
      return outcome.paths;
    },
    grow: ({ size, tiles, bundle, entries }) =>
      ask(operations.growLog, [String(size), tiles, bundle, entries], (answer) => ({
        old_root: answer.bytes(),
        size: Number(answer.text()),
        root: answer.bytes(),
        files: filesOf(answer),
      })),
    plan: (claim) => ask(operations.planProofs, claimFields(claim), paths),
    prove: ({ claim, tiles }) =>
      ask(operations.makeProofs, [...claimFields(claim), tiles], (answer) => ({ proof: answer.bytes() })),
    verifyInclusion: ({ entry, index, size, root, proof }) =>
      ask(operations.verifyInclusions, [entry, String(index), String(size), root, proof], () => ({})),
    verifyConsistency: ({ old, size, old_root, root, proof }) =>
      ask(operations.verifyConsistencies, [String(old), String(size), old_root, root, proof], () => ({})),
    openCheckpoint: ({ note, vkeys }) =>
      ask(operations.openCheckpoints, [note, vkeys.join('\n')], (answer) => ({
        ...treeHead(answer),
        text: answer.text(),
        signed: lines(answer.text()).map(Number),
      })),
    readLogProof: (text) =>
      ask(operations.readLogProofs, [text], (answer) => ({
        extra: answer.bytes(),
        index: Number(answer.text()),
        proof: answer.bytes(),
        checkpoint: answer.text(),
      })),
    judgeCheckpoint: ({ note, policy }) =>
      ask(operations.judgeCheckpoints, [note, policy], (answer) => ({
        ...treeHead(answer),
        witnesses: lines(answer.text()),
        has_quorum: answer.number() === 1,
      })),
    readWitnessRequest: (body) =>
      ask(operations.readWitnessRequests, [body], (answer) => ({
        old: Number(answer.text()),
        proof: answer.bytes(),
        checkpoint: answer.text(),
        ...treeHead(answer),
      })),
  };
}

const inclusion = 0;
const consistency = 1;
const edge = 2;

function claimFields(claim: LogClaim): readonly Field[] {
  return claim.kind === 'inclusion'
    ? [inclusion, String(claim.index), String(claim.size)]
    : [consistency, String(claim.old), String(claim.size)];
}

function paths(answer: AnswerReader): { paths: readonly string[] } {
  return { paths: lines(answer.text()) };
}

function treeHead(answer: AnswerReader): TreeHead {
  return { origin: answer.text(), size: Number(answer.text()), root: answer.bytes() };
}

function filesOf(answer: AnswerReader): readonly LogFile[] {
  return Array.from({ length: answer.number() }, () => ({ path: answer.text(), bytes: answer.bytes() }));
}

function lines(text: string): readonly string[] {
  return text === '' ? [] : text.split('\n');
}
