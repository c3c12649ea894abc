import type { Chain } from '../constitution/rules.ts';
import type { GatesCompute, ScorerDescription } from '../ports/gates-compute.ts';
import type { Gate } from './run-chain.ts';

/** A gate whose scorer is not the one that the constitution pinned is no gate of ours, and its place in a chain refuses. */
export function withoutUnknown(
  { gates: named, rules }: Chain,
  gates: ReadonlyMap<string, Gate>,
  { scorers }: ScorerDescription,
): ReadonlyMap<string, Gate> {
  const isHere = (scorer: string): boolean => {
    const pinned = rules.scorers.find(({ id }) => id === scorer)?.sha256;
    return pinned !== undefined && scorers.some(({ id, sha256 }) => id === scorer && sha256 === pinned);
  };
  const known = new Map(gates);
  for (const { id, scorer } of named) if (scorer !== null && !isHere(scorer)) known.delete(id);
  return known;
}

/** What scorers this build has; asked again after a failure: the capability may have been on its way. */
export function describeOnce(compute: GatesCompute): () => Promise<ScorerDescription> {
  let described: Promise<ScorerDescription> | undefined;
  return () => {
    described ??= compute.describeScorers().catch((cause: unknown) => {
      described = undefined;
      throw cause;
    });
    return described;
  };
}
