import type { Key } from '../ports/table.ts';

/** That a message was admitted: the one row of which two copies of it make one. */
export function replayKey(iss: string, id: string): Key {
  return { pk: `replay#${id}`, sk: iss };
}

/** An envelope that this tenant made, so that a later one can name it as its provenance. */
export function madeEnvelopeKey(tenant: string, id: string): Key {
  return { pk: `t#${tenant}#envelope#${id}`, sk: '-' };
}
