import type { Key } from '../ports/table.ts';

const documentDigits = 10;

/** Which node this home belongs to: `{node_id}`. */
export function nodeKey(): Key {
  return { pk: 'identity', sk: 'node' };
}

/** Node document `seq` of the chain. */
export function documentKey(node_id: string, seq: number): Key {
  return { pk: `identity#${node_id}`, sk: String(seq).padStart(documentDigits, '0') };
}

/** The whole document chain, in order; delegations sort after it. */
export function documentRange(node_id: string): { pk: string; from: string; to: string } {
  return { pk: `identity#${node_id}`, from: '0'.repeat(documentDigits), to: '9'.repeat(documentDigits) };
}

/** A session's delegation by its envelope id; kept for as long as the receipts that name it. */
export function delegationKey(node_id: string, delegation_id: string): Key {
  return { pk: `identity#${node_id}`, sk: `delegation#${delegation_id}` };
}

/** Marks that the ledger has the entry of this document and this constitution: `{receipt}`. */
export function adoptionKey(node_id: string, adopted: { seq: number; constitution_version: number }): Key {
  return { pk: `identity#${node_id}`, sk: `adopted#${adopted.seq}#${adopted.constitution_version}` };
}
