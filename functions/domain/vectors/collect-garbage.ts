import type { Now } from '../call.ts';
import type { Objects } from '../ports/objects.ts';
import type { Table } from '../ports/table.ts';
import { garbageRange, headKey, manifestKey, segmentObject } from './keys.ts';
import { readHead } from './head.ts';
import { objectsOf, readManifest } from './manifest.ts';
import type { Namespace } from './namespaces.ts';

/**
 * Deletes what compactions replaced or left behind, once nobody can read it any more. What the manifest names again by
 * then stays: the same rows make the same object.
 */
export async function collectGarbage(
  { table, objects, now }: { table: Table; objects: Objects; now: Now },
  namespace: Pick<Namespace, 'pk' | 'tenant' | 'collection' | 'name'>,
): Promise<void> {
  const { pk } = namespace;
  const due = await table.query({ ...garbageRange(pk, now()), limit: 100 }, now());
  if (due.rows.length === 0) return;
  const head = await table.get(headKey(pk), now());
  const generation = head === undefined ? 0 : readHead(head).generation;
  const manifest = generation === 0 ? undefined : await table.get(manifestKey(pk, generation), now());
  const named = new Set(manifest === undefined ? [] : objectsOf(readManifest(manifest)));
  for (const { sk, item } of due.rows) {
    const names = item['objects'] as readonly string[];
    for (const name of names) {
      if (!named.has(name)) await objects.delete(segmentObject(namespace, name));
    }
    const replaced = item['generation'];
    if (typeof replaced === 'number' && replaced !== generation) {
      await table.write({ kind: 'delete', key: manifestKey(pk, replaced) }, now());
    }
    await table.write({ kind: 'delete', key: { pk, sk } }, now());
  }
}
