import type { Now } from '../call.ts';
import { logStore } from '../ledger/log-store.ts';
import type { Log, PublishedCheckpoint } from '../ledger/log.ts';
import type { LedgerCompute } from '../ports/ledger-compute.ts';
import type { Objects } from '../ports/objects.ts';
import type { Table } from '../ports/table.ts';
import type { WitnessClient } from '../ports/witness-client.ts';
import { askWitness, type Asked, type ConfiguredWitness } from './ask-witness.ts';
import { readAsked, writeAsked, type AskedRow } from './asked-row.ts';
import { keepCosignatures } from './keep-cosignatures.ts';
import { readVerifierKey } from './verifier-key.ts';

/** What our witnesses have cosigned, asked for behind the log and never waited for by it. */
export interface Cosigner {
  /**
   * Asks every witness that is due for the published checkpoint, all at once and for at most two requests each, and
   * publishes what they gave. Answers how many were asked, and how many cosigned.
   */
  round(signal?: AbortSignal): Promise<{ readonly asked: number; readonly cosigned: number }>;
  /** The configured witnesses. */
  known(): Promise<readonly WitnessState[]>;
}

export interface WitnessState {
  readonly name: string;
  readonly url: string;
  /** Entries of our log that it has cosigned. */
  readonly size: number;
  /** Unix seconds, by our clock; absent before the first. */
  readonly last_cosigned?: number;
}

export interface CosignerOptions {
  readonly table: Table;
  readonly objects: Objects;
  readonly ledger: LedgerCompute;
  readonly log: Pick<Log, 'origin' | 'vkeys' | 'published' | 'consistency'>;
  readonly client: WitnessClient;
  readonly witnesses: () => readonly ConfiguredWitness[];
  /** A witness that brought no cosignature. `is_alarming`: it has proof, or says so, that our log went back. */
  readonly onFailure: (witness: string, why: string, is_alarming: boolean) => void;
  readonly now: Now;
  /** Between 0 and 1, so that retries of several nodes do not meet. */
  readonly random: () => number;
}

export function makeCosigner(options: CosignerOptions): Cosigner {
  const { table, objects, ledger, log, witnesses, onFailure, now, random } = options;
  const rows = { table, now };
  /** Asked since this process began: a home that was restored remembers cosignatures of a log that it no longer has. */
  const asked_here = new Set<string>();
  const store = logStore({ objects, ledger, vkeys: log.vkeys });

  async function ask(
    witness: ConfiguredWitness,
    before: AskedRow,
    checkpoint: PublishedCheckpoint,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const asked = await askWitness({ ...options, witness, old: before.size, checkpoint, timeout_ms, signal }).catch(
      (error: unknown): Asked => ({ kind: 'failed', why: error instanceof Error ? error.message : String(error) }),
    );
    if (signal?.aborted === true) return undefined;
    asked_here.add(witness.vkey);
    if (asked.kind === 'cosigned') {
      const last_cosigned = Math.floor(now() / 1000);
      await writeAsked(rows, witness.vkey, { size: checkpoint.size, last_cosigned, failures: 0, next_at: 0 });
      return asked.line;
    }
    const failures = before.failures + 1;
    const wait_ms = Math.min(wait_ms_max, wait_ms_base * 2 ** Math.min(before.failures, 20)) * (0.5 + random() / 2);
    await writeAsked(rows, witness.vkey, { ...before, failures, next_at: now() + Math.floor(wait_ms) });
    onFailure(nameOf(witness), asked.why, asked.kind === 'contradicts');
    return undefined;
  }

  return {
    async round(signal) {
      const configured = witnesses();
      const checkpoint = configured.length === 0 ? undefined : await log.published();
      if (checkpoint === undefined) return { asked: 0, cosigned: 0 };
      const states = await Promise.all(configured.map(async (witness) => readAsked(rows, witness.vkey)));
      const due = configured.flatMap((witness, index) => {
        const before = states[index];
        if (before === undefined || isLeftAlone(before, now())) return [];
        const isDue = !asked_here.has(witness.vkey) || isBehind(before, checkpoint.size, now());
        return isDue ? [{ witness, before }] : [];
      });
      const answers = await Promise.all(due.map(({ witness, before }) => ask(witness, before, checkpoint, signal)));
      const lines = answers.filter((line) => line !== undefined);
      if (lines.length > 0) {
        const vkeys = configured.map(({ vkey }) => vkey);
        await keepCosignatures({ objects, store, checkpoint, lines, vkeys, now });
      }
      return { asked: due.length, cosigned: lines.length };
    },

    async known() {
      return Promise.all(
        witnesses().map(async (witness) => {
          const { size, last_cosigned } = await readAsked(rows, witness.vkey);
          const told = last_cosigned === 0 ? {} : { last_cosigned };
          return { name: nameOf(witness), url: witness.url, size, ...told };
        }),
      );
    },
  };
}

/** A request that takes longer is given up. */
const timeout_ms = 2000;
const wait_ms_base = 1000;
const wait_ms_max = 600_000;
/** A log that rests is cosigned again after so long: its readers see that it still is what it was. */
const fresh_s = 3600;

/** A clock that went back does not silence a witness for as long as it was ahead. */
function isLeftAlone({ next_at }: AskedRow, now_ms: number): boolean {
  return now_ms < next_at && next_at - now_ms <= wait_ms_max;
}

function isBehind({ size, last_cosigned }: AskedRow, published: number, now_ms: number): boolean {
  return size !== published || Math.abs(now_ms / 1000 - last_cosigned) >= fresh_s;
}

function nameOf({ vkey }: ConfiguredWitness): string {
  return readVerifierKey(vkey)?.name ?? vkey;
}
