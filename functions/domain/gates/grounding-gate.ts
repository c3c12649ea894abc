import type { GatesCompute } from '../ports/gates-compute.ts';
import type { Gate } from './run-chain.ts';

const missing_told_max = 3;

/** G10: how many of the digests that a text cites are known here, as receipts or as stored content. */
export function groundingGate({
  compute,
  bytes,
  isKnown,
}: {
  compute: GatesCompute;
  bytes: Uint8Array;
  isKnown: (digest: string, signal: AbortSignal) => Promise<boolean>;
}): Gate {
  return {
    tier: 'medium',
    async run({ signal }) {
      const [citations] = await compute.findCitations([bytes]);
      if (citations === undefined) throw new Error('no citations came back');
      const { digests, has_more } = citations;
      const known = await Promise.all(digests.map((digest) => isKnown(digest, signal)));
      const missing = digests.filter((_, index) => known[index] !== true);
      // What is past the limit is looked up by nobody, and so counts as one that is missing.
      const cited = digests.length + (has_more ? 1 : 0);
      const [score] = await compute.scoreGround([{ found: digests.length - missing.length, cited }]);
      if (score === undefined) throw new Error('no share came back');
      const facts = {
        cited,
        missing: cited - digests.length + missing.length,
        ...(missing.length > 0 ? { first_missing: missing.slice(0, missing_told_max) } : {}),
      };
      return { state: 'scored', score, code: 'gate.grounding', facts };
    },
  };
}
