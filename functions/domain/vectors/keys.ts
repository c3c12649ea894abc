import type { Key } from '../ports/table.ts';

const seqDigits = 15;

/** A row for each collection of a tenant, by name. */
export function collectionKey(tenant: string, name: string): Key {
  return { pk: collectionList(tenant), sk: name };
}

export function collectionList(tenant: string): string {
  return `t#${tenant}#list#collections`;
}

/** A row for each namespace of a collection, by name; written with its head. */
export function namespaceKey(tenant: string, collection_id: string, namespace: string): Key {
  return { pk: namespaceList(tenant, collection_id), sk: namespace };
}

export function namespaceList(tenant: string, collection_id: string): string {
  return `t#${tenant}#list#namespaces#${collection_id}`;
}

/**
 * Rows carry the collection's id, not its name: what a dropped collection left behind can never turn up in a new one of
 * the same name.
 */
export function partition(tenant: string, collection_id: string, namespace: string): string {
  return `t#${tenant}#col#${collection_id}#${namespace}`;
}

export function headKey(pk: string): Key {
  return { pk, sk: 'head' };
}

export function deltaKey(pk: string, seq: number): Key {
  return { pk, sk: `delta#${String(seq).padStart(seqDigits, '0')}` };
}

/** Delta rows from `seq` on, in order. */
export function deltaRange(pk: string, seq: number): { pk: string; from: string; to: string } {
  return { pk, from: deltaKey(pk, seq).sk, to: `delta#${'9'.repeat(seqDigits)}` };
}
