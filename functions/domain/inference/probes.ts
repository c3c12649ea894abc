import type { Now } from '../call.ts';
import { isSignetError } from '../errors.ts';
import type { Json } from '../json.ts';
import type { ChatProvider, Tier } from '../ports/provider.ts';
import type { Item, Table } from '../ports/table.ts';
import { probeKey, probeRange } from './keys.ts';

/** What one provider said when it was last asked. */
export interface Probe {
  readonly provider: string;
  readonly tier: Tier;
  readonly answered: boolean;
  /** Unix milliseconds. */
  readonly at: number;
  /** How long the answer took. */
  readonly ms: number;
  /** Ids that it lists, without its prefix; absent where it lists none, or did not answer. */
  readonly models?: readonly string[];
  /** Code of its failure. */
  readonly code?: string;
}

export interface Probes {
  /**
   * The last probe of each configured provider, none older than `age_ms_max`: older ones are made anew, and waited for
   * at most three seconds. A provider that has not answered by then and was not asked before is left out: unknown.
   */
  latest(age_ms_max: number): Promise<readonly Probe[]>;
}

/** Probes live in the store: each instance sees what any of them found, and together they ask no more than one would. */
export function makeProbes({
  providers,
  table,
  now,
  wait_ms = 3_000,
}: {
  providers: () => readonly ChatProvider[];
  table: Table;
  now: Now;
  wait_ms?: number;
}): Probes {
  const running = new Map<string, Promise<Probe>>();

  async function probe(provider: ChatProvider): Promise<Probe> {
    const began = now();
    const head = { provider: provider.name, tier: provider.tier };
    let found: Pick<Probe, 'answered' | 'models' | 'code'>;
    try {
      const models = await provider.probe(AbortSignal.timeout(probe_ms_max));
      found = { answered: true, ...(models === undefined ? {} : { models: models.slice(0, models_max) }) };
    } catch (error) {
      found = { answered: false, code: isSignetError(error) ? error.code : 'provider_timeout' };
    }
    const at = now();
    const made = { ...head, ...found, at, ms: at - began };
    await table.write(
      {
        kind: 'put',
        key: probeKey(provider.name),
        item: { ...(made as { readonly [field: string]: Json }), expires_at: Math.ceil((at + kept_ms) / 1000) },
      },
      at,
    );
    return made;
  }

  function probeOnce(provider: ChatProvider): Promise<Probe> {
    const name = provider.name;
    const begun = running.get(name) ?? probe(provider).finally(() => running.delete(name));
    running.set(name, begun);
    return begun;
  }

  return {
    async latest(age_ms_max) {
      const { rows } = await table.query(probeRange, now());
      const stored = new Map(rows.map(({ sk, item }) => [sk, readProbe(item)]));
      const probes = providers().map(async (provider) => {
        const last = stored.get(provider.name);
        const isFresh = last !== undefined && last.tier === provider.tier && now() - last.at <= age_ms_max;
        return isFresh ? last : within(probeOnce(provider), wait_ms);
      });
      return (await Promise.all(probes)).filter((one) => one !== undefined);
    },
  };
}

const probe_ms_max = 10_000;
const kept_ms = 600_000;
const models_max = 1_000;

/** Undefined when the time is over; what goes on is stored for the next who asks. */
async function within<T>(work: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  // A failure after the time is over reaches nobody: the next probe tells.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function readProbe(item: Item): Probe {
  const { expires_at: _expires_at, ...probe } = item;
  return probe as unknown as Probe;
}
