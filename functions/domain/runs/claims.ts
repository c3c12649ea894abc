import type { NewId, Now } from '../call.ts';
import type { Check, Operation, Table } from '../ports/table.ts';
import { claimKey } from './keys.ts';
import type { RunRow } from './run-row.ts';

/** One machine's word that a piece of work of a run is its own for a while. */
export interface Claim {
  /** Holds in a transaction while the claim does. */
  readonly check: Check;
  /** For as long again; false when it ran out or is another's by now. */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

export interface Claims {
  /** Undefined while another machine has it. One that died gives it up by saying nothing for `claim_ms`. */
  take(run: RunRow, work: string): Promise<Claim | undefined>;
}

/** Claims are rows that expire: whoever dies with one leaves nothing to clear away. */
export function makeClaims({
  table,
  now,
  newId,
  claim_ms,
}: {
  table: Table;
  now: Now;
  newId: NewId;
  claim_ms: number;
}): Claims {
  const expiry = (): number => Math.ceil((now() + claim_ms) / 1000);
  return {
    async take(run, work) {
      const key = claimKey(run.tenant, run.id, work);
      const holder = newId();
      const is_mine = [{ kind: 'equals', field: 'holder', value: holder }] as const;
      const holds = async (operation: Operation): Promise<boolean> =>
        (await table.write(operation, now())).kind === 'written';
      const item = { holder, expires_at: expiry() };
      if (!(await holds({ kind: 'put', key, item, conditions: [{ kind: 'absent' }] }))) return undefined;
      return {
        check: { kind: 'check', key, conditions: is_mine },
        renew: () => holds({ kind: 'update', key, set: { expires_at: expiry() }, conditions: is_mine }),
        release: async () => void (await holds({ kind: 'delete', key, conditions: is_mine })),
      };
    },
  };
}
