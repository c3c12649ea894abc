import type { Principal } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { rateKey } from './keys.ts';

export interface SharedRate {
  /** Takes one request of the principal, or says how long to wait: seconds until the window is over. Waits for nothing. */
  take(
    principal: Pick<Principal, 'tenant' | 'id'>,
    now: number,
  ): { admitted: true } | { admitted: false; wait_s: number };
  /** When what was taken is written down: a host that is frozen between requests waits for it behind an answer. */
  settled(): Promise<void>;
}

export interface SharedRateOptions {
  readonly table: Table;
  readonly per_s: number;
  readonly burst: number;
}

interface Taken {
  /** By this process and not yet written down. */
  unwritten: number;
  /** By this process, written down. */
  written: number;
  /** By all processes, as far as this one has heard. */
  total: number;
}

/**
 * The rate of a key where many processes serve it, none of which sees more than a part: in a window of
 * `burst / per_s` seconds they admit `burst` requests together.
 *
 * No request waits for the table. A process writes down what it took when that has doubled, beside the request, and
 * hears in the answer what all of them took. So a lone request costs no write, a busy process few, and the processes
 * together exceed the limit by what they have not heard of yet: at most as much as each has taken since its last write.
 * A table that does not answer limits nobody.
 */
export function makeSharedRate({ table, per_s, burst }: SharedRateOptions): SharedRate {
  const window_ms = (1000 * burst) / per_s;
  const writes = new Set<Promise<void>>();
  let taken = new Map<string, Taken>();
  let window = -1;

  async function write(own: Taken, principal: Pick<Principal, 'tenant' | 'id'>, now: number): Promise<void> {
    const count = own.unwritten;
    own.unwritten = 0;
    own.written += count;
    const expires_at = Math.ceil((now + 2 * window_ms) / 1000);
    const key = rateKey(principal, window);
    const result = await table.write({ kind: 'update', key, add: { taken: count }, set: { expires_at } }, now);
    const total = result.kind === 'written' ? result.items[0]?.['taken'] : undefined;
    if (typeof total === 'number') own.total = Math.max(own.total, total);
  }

  return {
    take(principal, now) {
      const current = Math.floor(now / window_ms);
      if (current !== window) {
        window = current;
        taken = new Map();
      }
      const name = `${principal.tenant}#${principal.id}`;
      const own = taken.get(name) ?? { unwritten: 0, written: 0, total: 0 };
      taken.set(name, own);
      if (Math.max(own.total, own.written) + own.unwritten >= burst) {
        return { admitted: false, wait_s: ((current + 1) * window_ms - now) / 1000 };
      }
      own.unwritten += 1;
      if (own.unwritten >= Math.max(2, own.written)) {
        const writing = write(own, principal, now)
          .catch(() => undefined)
          .finally(() => writes.delete(writing));
        writes.add(writing);
      }
      return { admitted: true };
    },

    async settled() {
      await Promise.all(writes);
    },
  };
}
