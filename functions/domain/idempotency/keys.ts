import type { Principal } from '../call.ts';
import type { Key } from '../ports/table.ts';

/** `idempotency_key` is the client's own text: it is the last part of the key, so it can reach no other row. */
export function idempotencyRow(principal: Pick<Principal, 'tenant' | 'id'>, idempotency_key: string): Key {
  return { pk: `t#${principal.tenant}#idem#${principal.id}`, sk: idempotency_key };
}
