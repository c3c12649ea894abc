import limits from '@signet/shared/limits.json' with { type: 'json' };
import { withoutProof } from '../constitution/constitution.ts';
import { constitutionKey } from '../constitution/keys.ts';
import { digestJson } from '../content/digest-json.ts';
import type { Identity } from '../identity/open-identity.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Table } from '../ports/table.ts';

/** Digests of the rules under which a message may have been made: those in force, and for a day those before them. */
export async function acceptedConstitutions({
  table,
  digest,
  identity,
  now,
}: {
  table: Table;
  digest: DigestCompute;
  identity: Pick<Identity, 'con' | 'constitution' | 'constitution_version'>;
  /** Unix milliseconds. */
  now: number;
}): Promise<ReadonlySet<string>> {
  const { con, constitution, constitution_version } = identity;
  const since_s = Math.floor(now / 1000) - Number(constitution['effective']);
  if (constitution_version === 1 || since_s > limits.messages.constitution_overlap_s) return new Set([con]);
  const row = await table.get(constitutionKey(constitution_version - 1), now);
  const [previous] =
    row === undefined ? [] : await digestJson(digest, [withoutProof(row['constitution'] as JsonObject)]);
  return new Set(previous === undefined ? [con] : [con, previous.sha256]);
}
