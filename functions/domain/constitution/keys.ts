import type { Key } from '../ports/table.ts';

/** Constitutions of this node by version. */
export function constitutionKey(version: number): Key {
  return { pk: 'policy', sk: `constitution#${String(version).padStart(10, '0')}` };
}
