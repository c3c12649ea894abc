import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { leafOf, openCheckpoint, rootFromPath, rootOf } from '../../../tests/fixtures/plain-log.ts';
import type { LedgerCompute } from '../../domain/ports/ledger-compute.ts';
import { openWasmCompute } from './wasm-compute.ts';

function casesOf(family: string): readonly unknown[] {
  const url = new URL(`../../../shared/vectors/${family}.json`, import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as { cases: readonly unknown[] }).cases;
}

interface Tree {
  readonly size: number;
  readonly root: string;
  readonly edge: readonly string[];
  readonly inclusion: readonly { readonly index: number; readonly proof: readonly string[] }[];
  readonly consistency: readonly { readonly old: number; readonly proof: readonly string[] }[];
}

let ledger: LedgerCompute;
beforeAll(async () => {
  ({ ledger } = (await openWasmCompute()).verify);
});

describe('trees of the vectors', () => {
  const trees = casesOf('ledger/trees') as readonly Tree[];
  const leaves = Array.from({ length: 70_000 }, (_, index) => leafOf(Buffer.from(String(index))));
  const roots = new Map(trees.map(({ size, root }) => [size, root]));

  test.each(trees)('of $size entries: an independent reader agrees, and the blob', async (tree) => {
    const { size, root, edge, inclusion, consistency } = tree;
    expect(rootOf(leaves.slice(0, size)).toString('hex')).toBe(root);
    expect(await ledger.edge(size)).toEqual(edge);
    for (const { index, proof } of inclusion) {
      const path = proof.map((hash) => Buffer.from(hash, 'hex'));
      const leaf = leaves[index] ?? Buffer.alloc(0);
      expect(rootFromPath(leaf, index, size, path).toString('hex')).toBe(root);
      const claim = { entry: Buffer.from(String(index)), index, size, root: Buffer.from(root, 'hex') };
      expect(await ledger.verifyInclusion({ ...claim, proof: Buffer.concat(path) })).toEqual({ ok: true });
      const other = await ledger.verifyInclusion({ ...claim, index: index + 1, proof: Buffer.concat(path) });
      expect(other).toEqual({ ok: false, code: 'log.inclusion' });
    }
    for (const { old, proof } of consistency) {
      const claim = {
        old,
        size,
        old_root: Buffer.from(roots.get(old) ?? '', 'hex'),
        root: Buffer.from(root, 'hex'),
        proof: Buffer.from(proof.join(''), 'hex'),
      };
      expect(await ledger.verifyConsistency(claim)).toEqual({ ok: true });
      // Whatever it is, it continues the tree without entries.
      if (old === 0 && size > 0) continue;
      const forged = await ledger.verifyConsistency({ ...claim, root: Buffer.alloc(32, 1) });
      expect(forged).toEqual({ ok: false, code: 'log.consistency' });
    }
  });
});

interface Said {
  readonly code?: string;
  readonly [name: string]: unknown;
}

/** What the vectors say of an outcome: a code, or some of its fields with bytes in hex. */
function told(outcome: { ok: boolean }, names: readonly string[]): Said {
  const fields = outcome as unknown as Said;
  if (!outcome.ok) return { code: fields.code ?? '' };
  return Object.fromEntries(
    names.map((name) => {
      const value = fields[name];
      return [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value];
    }),
  );
}

test.each(
  casesOf('ledger/checkpoints') as readonly { name: string; note: string; vkeys: readonly string[]; answer: Said }[],
)('a checkpoint: $name', async ({ note, vkeys, answer }) => {
  expect(told(await ledger.openCheckpoint({ note, vkeys }), Object.keys(answer))).toEqual(answer);
  const [vkey = ''] = vkeys;
  // The independent reader knows the log's key alone.
  if (answer.code === undefined) expect(openCheckpoint(note, vkey).size).toBe(answer['size']);
});

test.each(casesOf('policy/cases') as readonly { name: string; note: string; policy: string; answer: Said }[])(
  'a policy: $name',
  async ({ note, policy, answer }) => {
    const judged = await ledger.judgeCheckpoint({ note, policy: Buffer.from(policy) });
    expect(told(judged, Object.keys(answer))).toEqual(answer);
  },
);

test.each(casesOf('receipt/log-proofs') as readonly { name: string; text: string; answer: Said }[])(
  'a log proof $name',
  async ({ text, answer }) => {
    expect(told(await ledger.readLogProof(Buffer.from(text)), Object.keys(answer))).toEqual(answer);
  },
);

test.each(casesOf('witness/requests') as readonly { name: string; body: string; answer: Said }[])(
  'a witness request: $name',
  async ({ body, answer }) => {
    expect(told(await ledger.readWitnessRequest(Buffer.from(body)), Object.keys(answer))).toEqual(answer);
  },
);
