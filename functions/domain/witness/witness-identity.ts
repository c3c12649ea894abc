import type { Now } from '../call.ts';
import { vkeyText } from '../ledger/log-identity.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Keys, PublicKey } from '../ports/keys.ts';
import type { Table } from '../ports/table.ts';
import { nameKey, nameRows } from './keys.ts';
import { witnessKind } from './verifier-key.ts';

/** A witness as others see it, and the key that is here. */
export interface WitnessIdentity {
  readonly name: string;
  readonly key_id: string;
  /** `<name>+<id>+<base64>`, kind 4. */
  readonly vkey: string;
}

/**
 * The key of the witness `name`, made when there is none. One key has one name: an Ed25519 cosignature does not say by
 * which name it was made, so a key of two names would let a signature of the one pass for the other's. A start that died
 * between the key and its row leaves a key without a name, which the next name gets.
 */
export async function openWitnessIdentity({
  table,
  keys,
  digest,
  name,
  now,
}: {
  table: Table;
  keys: Pick<Keys, 'list' | 'create'>;
  digest: DigestCompute;
  name: string;
  now: Now;
}): Promise<WitnessIdentity> {
  const held = await keys.list('witness');
  const named = (await table.get(nameKey(name), now()))?.['key_id'];
  const known = held.find(({ key_id }) => key_id === named);
  if (known !== undefined) return identityOf(name, known, digest);
  if (typeof named === 'string') {
    throw new Error(
      `the key \`${named}\` of the witness \`${name}\` is gone; restore its file, or choose another name`,
    );
  }
  const { rows } = await table.query({ ...nameRows(), limit: 1000 }, now());
  const taken = new Set(rows.map(({ item }) => item['key_id']));
  const key = held.find(({ key_id }) => !taken.has(key_id)) ?? (await keys.create('witness'));
  const item = { name, key_id: key.key_id };
  const put = { kind: 'put', key: nameKey(name), item, conditions: [{ kind: 'absent' }] } as const;
  const written = await table.write(put, now());
  if (written.kind === 'written') return identityOf(name, key, digest);
  // Another process named one in the same moment.
  return openWitnessIdentity({ table, keys, digest, name, now });
}

async function identityOf(name: string, key: PublicKey, digest: DigestCompute): Promise<WitnessIdentity> {
  return { name, key_id: key.key_id, vkey: await vkeyText({ origin: name, key, digest, kind: witnessKind }) };
}
