import type { Key } from '../ports/table.ts';

/** How far a federation has come: counters, none of which exists until there is one. */
export function federationKey(): Key {
  return { pk: 'federation', sk: '-' };
}
