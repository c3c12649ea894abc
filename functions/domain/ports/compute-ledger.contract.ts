import { describe, expect, test } from '@jest/globals';
import checkpoints from '@signet/shared/vectors/ledger/checkpoints.json' with { type: 'json' };
import trees from '@signet/shared/vectors/ledger/trees.json' with { type: 'json' };
import policies from '@signet/shared/vectors/policy/cases.json' with { type: 'json' };
import logProofs from '@signet/shared/vectors/receipt/log-proofs.json' with { type: 'json' };
import requests from '@signet/shared/vectors/witness/requests.json' with { type: 'json' };
import { leafOf, openCheckpoint, rootFromPath, rootOf } from '../../../tests/fixtures/plain-log.ts';
import type { VerifyCompute } from './compute.ts';
import { hex, utf8 } from './vector-values.contract.ts';

/**
 * The suite of `LedgerCompute`, inside of a `describe`.
 * @param bit_step one: each single bit is flipped; more where a call is a journey
 */
export function describeLedger(opened: Promise<{ readonly verify: VerifyCompute }>, bit_step = 1): void {
  describe('trees of the vectors', () => {
    test.each(trees.cases)('of $size entries', async (tree) => {
      const { ledger } = (await opened).verify;
      const { size, edge } = tree;
      const root = hex(tree.root);
      // No implementation of ours.
      expect(rootOf(leaves().slice(0, size))).toEqual(Buffer.from(root));
      expect(await ledger.edge(size)).toEqual(edge);
      for (const { index, proof: lines } of tree.inclusion) {
        const path = lines.map((hash) => Buffer.from(hash, 'hex'));
        const proof = Buffer.concat(path);
        expect(rootFromPath(leaves()[index] ?? Buffer.alloc(0), index, size, path)).toEqual(Buffer.from(root));
        const claim = { entry: Buffer.from(String(index)), index, size, root, proof };
        expect(await ledger.verifyInclusion(claim)).toEqual({ ok: true });
        for (const forged of forgedInclusions(claim)) {
          expect(await ledger.verifyInclusion(forged)).toEqual({ ok: false, code: 'log.inclusion' });
        }
      }
      for (const { old, proof: lines } of tree.consistency) {
        const claim = { old, size, old_root: hex(roots.get(old)), root, proof: hex(lines.join('')) };
        expect(await ledger.verifyConsistency(claim)).toEqual({ ok: true });
        // Whatever it is, it continues the tree without entries.
        if (old === 0 && size > 0) continue;
        for (const forged of forgedConsistencies(claim)) {
          expect(await ledger.verifyConsistency(forged)).toEqual({ ok: false, code: 'log.consistency' });
        }
      }
    });
  });

  test('a tree grows entry by entry into the files of the vectors', async () => {
    const { ledger } = (await opened).verify;
    let state = { size: 0, tiles: new Uint8Array(), bundle: new Uint8Array() };
    for (const step of [1, 1, 253, 1, 1]) {
      const entries = bundleOf(state.size, state.size + step);
      const grown = await ledger.grow({ ...state, entries });
      if (!grown.ok) throw new Error(`refused: ${grown.code}`);
      expect(Buffer.from(grown.root)).toEqual(rootOf(leaves().slice(0, grown.size)));
      const files = new Map(grown.files.map(({ path, bytes }) => [path, bytes]));
      const edge = await ledger.edge(grown.size);
      const [lowest] = edge.filter((path) => path.startsWith('tile/0/'));
      state = {
        size: grown.size,
        tiles: Buffer.concat(edge.map((path) => files.get(path) ?? Buffer.alloc(0))),
        bundle: new Uint8Array(files.get(lowest?.replace('tile/0/', 'tile/entries/') ?? '') ?? []),
      };
    }
    for (const bad of [
      { ...state, tiles: state.tiles.subarray(1) },
      { ...state, size: state.size + 1 },
      { ...state, bundle: new Uint8Array([0]) },
      { ...state, size: 2 ** 53 },
    ]) {
      expect(await ledger.grow({ ...bad, entries: bundleOf(0, 1) })).toEqual({ ok: false, code: 'log.malformed' });
    }
    const halves = [bundleOf(0, 2).subarray(1), Uint8Array.of(0), Uint8Array.of(0, 2, 0)];
    for (const entries of halves) {
      expect(await ledger.grow({ ...state, entries })).toEqual({ ok: false, code: 'log.malformed' });
    }
  });

  test.each(checkpoints.cases)('a checkpoint: $name', async ({ note, vkeys, answer }) => {
    const { ledger } = (await opened).verify;
    expect(told(await ledger.openCheckpoint({ note, vkeys }), answer)).toEqual(answer);
    const [vkey = ''] = vkeys;
    // The independent reader knows the log's key alone.
    if (!('code' in answer)) expect(openCheckpoint(note, vkey).size).toBe(answer.size);
  });

  test('refuses a checkpoint with any single bit flipped, and each line that is gone or twice there', async () => {
    const { ledger } = (await opened).verify;
    const good = checkpoints.cases.find(({ answer }) => !('code' in answer));
    const { note, vkeys } = good ?? { note: '', vkeys: [] };
    expect((await ledger.openCheckpoint({ note, vkeys: vkeys.slice(0, 1) })).ok).toBe(true);
    const bytes = Buffer.from(note);
    for (let bit = 0; bit < bytes.length * 8; bit += bit_step) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const outcome = await ledger.judgeCheckpoint({ note: flipped.toString('latin1'), policy: new Uint8Array() });
      expect(outcome.ok).toBe(false);
      const text = flipped.toString();
      // What is no UTF-8 does not cross the port as text.
      if (!Buffer.from(text).equals(flipped)) continue;
      const opening = await ledger.openCheckpoint({ note: text, vkeys: vkeys.slice(0, 1) });
      expect({ bit, ok: opening.ok }).toEqual({ bit, ok: false });
    }
  });

  test.each(policies.cases)('a policy: $name', async ({ note, policy, answer }) => {
    const { ledger } = (await opened).verify;
    const judged = await ledger.judgeCheckpoint({ note, policy: utf8(policy) });
    expect(told(judged, answer)).toEqual(answer);
  });

  test.each(logProofs.cases)('a log proof $name', async ({ text, answer }) => {
    const { ledger } = (await opened).verify;
    expect(told(await ledger.readLogProof(utf8(text)), answer)).toEqual(answer);
  });

  test.each(requests.cases)('a witness request: $name', async ({ body, answer }) => {
    const { ledger } = (await opened).verify;
    expect(told(await ledger.readWitnessRequest(utf8(body)), answer)).toEqual(answer);
  });
}

const roots = new Map(trees.cases.map(({ size, root }) => [size, root]));

let made: readonly Buffer[] | undefined;
/** Of entries 0 to 69,999. */
function leaves(): readonly Buffer[] {
  made ??= Array.from({ length: 70_000 }, (_, index) => leafOf(Buffer.from(String(index))));
  return made;
}

function bundleOf(start: number, end: number): Uint8Array {
  const entries = Array.from({ length: end - start }, (_, offset) => Buffer.from(String(start + offset)));
  return Buffer.concat(entries.flatMap((entry) => [Buffer.of(entry.length >> 8, entry.length & 255), entry]));
}

interface Inclusion {
  readonly entry: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: Uint8Array;
}

function forgedInclusions(claim: Inclusion): readonly Inclusion[] {
  const { entry, index, size, proof } = claim;
  return [
    { ...claim, entry: Buffer.concat([entry, Buffer.of(0)]) },
    { ...claim, index: index + 1 },
    { ...claim, index: size },
    { ...claim, root: new Uint8Array(32).fill(1) },
    { ...claim, proof: Buffer.concat([proof, new Uint8Array(32)]) },
    ...(proof.length === 0
      ? []
      : [
          { ...claim, proof: proof.subarray(32) },
          { ...claim, proof: proof.subarray(0, -32) },
        ]),
  ];
}

interface Consistency {
  readonly old: number;
  readonly size: number;
  readonly old_root: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: Uint8Array;
}

function forgedConsistencies(claim: Consistency): readonly Consistency[] {
  const { old, size, old_root, proof } = claim;
  return [
    { ...claim, root: new Uint8Array(32).fill(1) },
    { ...claim, old_root: new Uint8Array(32).fill(1) },
    { ...claim, proof: Buffer.concat([proof, new Uint8Array(32)]) },
    ...(proof.length === 0
      ? []
      : [
          { ...claim, proof: proof.subarray(32) },
          { ...claim, proof: proof.subarray(0, -32) },
        ]),
    ...(old === size ? [] : [{ ...claim, old: size, size: old, old_root: claim.root, root: old_root }]),
  ];
}

/** What the vectors say of an outcome: a code, or some of its fields with bytes in hex. */
function told(outcome: { ok: boolean }, answer: object): object {
  const fields = outcome as unknown as Readonly<Record<string, unknown>>;
  if (!outcome.ok) return { code: fields['code'] };
  return Object.fromEntries(
    Object.keys(answer).map((name) => {
      const value = fields[name];
      return [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value];
    }),
  );
}
