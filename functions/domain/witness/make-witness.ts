import type { Now } from '../call.ts';
import type { Keys } from '../ports/keys.ts';
import type { LedgerCompute } from '../ports/ledger-compute.ts';
import type { Table } from '../ports/table.ts';
import { conflictKey } from './keys.ts';
import type { Cosigning, CosigningRefusal, Witness } from './witness.ts';
import { commitHead, readHead } from './witness-head.ts';
import type { WitnessIdentity } from './witness-identity.ts';

export interface WitnessOptions {
  readonly table: Table;
  readonly ledger: LedgerCompute;
  readonly keys: Pick<Keys, 'signNote'>;
  /** Name and key as they are configured now; undefined while nothing is witnessed. */
  readonly identity: () => Promise<WitnessIdentity | undefined>;
  /** Verifier keys of the configured logs, by origin. */
  readonly logs: () => ReadonlyMap<string, readonly string[]>;
  /** A log showed two histories, or a proof that is none. */
  readonly onFault: (facts: { origin: string; size: number }, message: string) => void;
  readonly now: Now;
}

/**
 * Cosigns a checkpoint when it continues the one that was cosigned last, in this order: a known origin, a signature of
 * that log, `old` not above the size, `old` as it is known here, the same root at the same size, the proof; then one
 * conditional update of the head, and only behind it the signature. A witness that dies in between has promised nothing
 * to nobody: the log asks again, by the size that is stored, and gets the cosignature of the same tree.
 *
 * Times of one log's cosignatures never go back, whatever the clock does: each says that no larger tree was seen until
 * then, and an earlier time behind a larger tree would make an older one untrue.
 */
export function makeWitness({ table, ledger, keys, identity, logs, onFault, now }: WitnessOptions): Witness {
  const rows = { table, now };

  return {
    async addCheckpoint(body) {
      const request = await ledger.readWitnessRequest(body);
      if (!request.ok)
        return refused('malformed', request.code, 'expected `old <size>`, a proof, an empty line, a checkpoint');
      const { origin, old, size, proof, checkpoint } = request;
      const vkeys = logs().get(origin);
      if (vkeys === undefined) return refused('unknown', 'log.origin', 'no log of this origin is witnessed here');
      const signer = await identity();
      if (signer === undefined) return refused('unknown', 'log.origin', 'no log is witnessed here');
      const opened = await ledger.openCheckpoint({ note: checkpoint, vkeys });
      if (!opened.ok) return refused('unsigned', opened.code, 'no known key of this log signed the checkpoint');
      if (old > size) return refused('malformed', 'log.consistency', `expected \`old\` of at most ${size}, got ${old}`);
      // Beyond it this platform would take two sizes for one.
      if (!Number.isSafeInteger(size)) return refused('malformed', 'log.malformed', 'expected a size below 2^53');

      for (let attempt = 0; attempt < commits_max; attempt += 1) {
        const head = await readHead(rows, origin);
        if (head.size !== old) return { kind: 'elsewhere', size: head.size };
        const root = Buffer.from(request.root).toString('hex');
        if (size === head.size && root !== head.root) {
          await keepConflict(origin, checkpoint, head);
          onFault({ origin, size }, 'A WITNESSED LOG SHOWS TWO HISTORIES: the same size, another root');
          return refused('contradicts', 'log.rollback', `another tree of ${size} entries was cosigned before`);
        }
        const old_root = Buffer.from(head.root, 'hex');
        const proved = await ledger.verifyConsistency({ old, size, old_root, root: request.root, proof });
        if (!proved.ok) {
          onFault({ origin, size }, 'a witnessed log sent a proof that does not hold');
          return refused('unproved', proved.code, `the proof does not carry ${old} entries to ${size}`);
        }
        const isRepeat = size === head.size && head.version > 0 && seconds(now()) - head.time < repeat_s;
        const time = isRepeat ? head.time : Math.max(seconds(now()), head.time);
        const next = { size, root, time };
        if (!isRepeat && !(await commitHead(rows, { origin, note: checkpoint, before: head, next }))) continue;
        const line = await keys.signNote({ key_id: signer.key_id, name: signer.name, text: opened.text, time });
        return { kind: 'cosigned', line, size };
      }
      throw new Error('the head of a witnessed log was overwritten time and again');
    },

    async facts() {
      const signer = await identity();
      return signer === undefined ? undefined : { name: signer.name, vkey: signer.vkey };
    },

    async logs() {
      const origins = [...logs().keys()].toSorted();
      return Promise.all(
        origins.map(async (origin) => {
          const [{ size, root, time, version }, conflict] = await Promise.all([
            readHead(rows, origin),
            table.get(conflictKey(origin), now()),
          ]);
          return {
            origin,
            size,
            root,
            ...(version === 0 ? {} : { last_cosigned: time }),
            ...(typeof conflict?.['time'] === 'number' ? { contradicted_at: conflict['time'] } : {}),
          };
        }),
      );
    },
  };

  /** The first is enough, and a log cannot fill the table by showing more. */
  async function keepConflict(
    origin: string,
    note: string,
    { size, root }: { size: number; root: string },
  ): Promise<void> {
    const item = { origin, note, cosigned_size: size, cosigned_root: root, time: seconds(now()) };
    await table.write({ kind: 'put', key: conflictKey(origin), item, conditions: [{ kind: 'absent' }] }, now());
  }
}

/** Requests that overtake each other between reading and writing; the one that lost answers by what the other wrote. */
const commits_max = 8;

/** Within it a repeat gets the cosignature that it got, byte for byte, and nothing is written. */
const repeat_s = 60;

function seconds(now_ms: number): number {
  return Math.floor(now_ms / 1000);
}

function refused(why: CosigningRefusal, reason: string, detail: string): Cosigning {
  return { kind: 'refused', why, reason, detail };
}
