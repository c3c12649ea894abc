import type { Key } from '../ports/table.ts';

/** What this witness knows of a log: the newest checkpoint that it cosigned. */
export function headKey(origin: string): Key {
  return { pk: witnessPartition, sk: `log#${encoded(origin)}` };
}

/** A checkpoint that a log signed and that contradicts the one cosigned: proof that it shows two histories. */
export function conflictKey(origin: string): Key {
  return { pk: witnessPartition, sk: `conflict#${encoded(origin)}` };
}

/** Which key is the one of this name. */
export function nameKey(name: string): Key {
  return { pk: witnessPartition, sk: `name#${encoded(name)}` };
}

/** Every name that has a key. */
export function nameRows(): { readonly pk: string; readonly prefix: string } {
  return { pk: witnessPartition, prefix: 'name#' };
}

/** What another witness has cosigned of our log; a witness is its verifier key. */
export function askedKey(vkey: string): Key {
  return { pk: witnessPartition, sk: `asked#${encoded(vkey)}` };
}

const witnessPartition = 'witness';

/** Origins and names are others' words: whatever is in them, `#` is not. */
function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
