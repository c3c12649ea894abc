import type { Now } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { measuredKey, measuredRange } from './keys.ts';
import type { Probe } from './probes.ts';

/** How fast a provider is, as far as anyone measured. */
export interface KnownSpeed {
  readonly provider: string;
  /** Mean duration of its generations, or of its last probe where none was made yet. */
  readonly ms: number;
  readonly of: 'generations' | 'probe';
  /** Generations that the mean is of; 0 for a probe. */
  readonly count: number;
}

/** Sums in the store, so that every instance adds to the same mean. */
export function measuredSpeed({ table, now }: { table: Table; now: Now }): {
  add(provider: string, ms: number): Promise<void>;
  /** Of the providers that answered their last probe. */
  read(probes: readonly Probe[]): Promise<readonly KnownSpeed[]>;
} {
  return {
    async add(provider, ms) {
      const at = now();
      await table.write(
        {
          kind: 'update',
          key: measuredKey(provider),
          add: { count: 1, ms },
          set: { expires_at: Math.ceil(at / 1000) + kept_s },
        },
        at,
      );
    },
    async read(probes) {
      const { rows } = await table.query(measuredRange, now());
      const sums = new Map(rows.map(({ sk, item }) => [sk, { count: Number(item['count']), ms: Number(item['ms']) }]));
      return probes
        .filter(({ answered }) => answered)
        .map(({ provider, ms }) => {
          const sum = sums.get(provider);
          return sum === undefined || sum.count === 0
            ? { provider, ms, of: 'probe', count: 0 }
            : { provider, ms: Math.round(sum.ms / sum.count), of: 'generations', count: sum.count };
        });
    },
  };
}

const kept_s = 30 * 86_400;
