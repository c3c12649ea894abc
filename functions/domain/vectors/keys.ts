import type { Key } from '../ports/table.ts';

const digits = 15;
const padded = (number: number): string => String(number).padStart(digits, '0');

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

export function manifestKey(pk: string, generation: number): Key {
  return { pk, sk: `manifest#${padded(generation)}` };
}

export function deltaKey(pk: string, seq: number): Key {
  return { pk, sk: `delta#${padded(seq)}` };
}

/** Delta rows from `from` to `to`, both included, in order. */
export function deltaRange(pk: string, from: number, to: number): { pk: string; from: string; to: string } {
  return { pk, from: deltaKey(pk, from).sk, to: deltaKey(pk, to).sk };
}

/** Objects and a manifest that may be deleted from `due` on (Unix milliseconds), unless they are named again by then. */
export function garbageKey(pk: string, due: number, token: string): Key {
  return { pk, sk: `garbage#${padded(due)}#${token}` };
}

export function garbageRange(pk: string, until: number): { pk: string; from: string; to: string } {
  return { pk, from: garbageKey(pk, 0, '').sk, to: garbageKey(pk, until, '~').sk };
}

/** Where a namespace that was dropped had come to; one of its name goes on from there, so that no key means two rows. */
export function droppedKey(pk: string): Key {
  return { pk, sk: 'dropped' };
}

/** What queries that were asked again exactly have shown. */
export function recallKey(pk: string): Key {
  return { pk, sk: 'recall' };
}

/** A segment or tombstones, by the name of their content. */
export function segmentObject(place: SegmentPlace, name: string): string {
  return `${segmentFolder(place)}${name}`;
}

export interface SegmentPlace {
  readonly tenant: string;
  readonly collection: { readonly id: string };
  /** Namespaces share no object, since equal rows make equal names. */
  readonly name: string;
}

export function segmentFolder({ tenant, collection, name }: SegmentPlace): string {
  return `vectors/${tenant}/${collection.id}/${name}/`;
}
