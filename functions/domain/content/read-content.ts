import type { Now } from '../call.ts';
import type { Objects } from '../ports/objects.ts';
import type { Table } from '../ports/table.ts';
import { contentKey, contentObjectKey } from './keys.ts';

/** The bytes of a content record, small or large; undefined when it was deleted or is over its days. */
export async function readContent(
  { table, objects, now }: { table: Table; objects: Objects; now: Now },
  { tenant, sha256 }: { tenant: string; sha256: string },
): Promise<Uint8Array | undefined> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  const row = await table.get(contentKey(tenant, sha256), now());
  if (typeof row?.['record'] === 'string') return new TextEncoder().encode(row['record']);
  return (await objects.get(contentObjectKey(tenant, sha256)))?.body;
}
