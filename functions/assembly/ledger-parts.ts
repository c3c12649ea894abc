import type { Identity } from '../domain/identity/open-identity.ts';
import type { JsonObject } from '../domain/json.ts';
import type { LogIdentity } from '../domain/ledger/log-identity.ts';
import type { Log } from '../domain/ledger/log.ts';
import { makeLog } from '../domain/ledger/make-log.ts';
import { makeSealer, type Sealer } from '../domain/ledger/make-sealer.ts';
import { runSealer, type SealingWork } from '../domain/ledger/run-sealer.ts';
import type { Keys } from '../domain/ports/keys.ts';
import type { Objects } from '../domain/ports/objects.ts';
import type { Table } from '../domain/ports/table.ts';
import type { ComputeSlots } from './compute-slots.ts';
import type { NodeLog } from './node-log.ts';

/** The log of a node, for readers and for whoever seals. */
export interface LedgerParts {
  /** Absent where nothing is sealed. */
  readonly log?: Log;
  /** Says that an entry waits. */
  readonly onAppended: () => void;
  /** Seals behind the requests until it is stopped; undefined where nothing is sealed. */
  startSealing(): SealingWork | undefined;
  /** Why nothing is sealed any more, once storage contradicted the log. */
  halted(): string | undefined;
}

/** @param identity absent where the log key is elsewhere and nobody seals yet */
export function makeLedger({
  table,
  objects,
  keys,
  slots,
  identity,
  now,
  onSealed,
  log: nodeLog,
}: {
  table: Table;
  objects: Objects;
  keys: Keys;
  slots: ComputeSlots;
  identity: LogIdentity | undefined;
  now: () => number;
  /** The published log has grown. */
  onSealed: () => void;
  log: NodeLog;
}): LedgerParts {
  if (identity === undefined) {
    return { onAppended: () => {}, startSealing: () => undefined, halted: () => undefined };
  }
  const parts = { table, objects, ledger: slots.verify.ledger, log: identity, now };
  let work: SealingWork | undefined;
  let reason: string | undefined;
  return {
    log: makeLog(parts),
    onAppended: () => work?.wake(),
    halted: () => reason,
    startSealing() {
      work = runSealer({
        sealer: telling(makeSealer({ ...parts, keys }), onSealed),
        onError(error, isHalted) {
          if (isHalted) reason = error instanceof Error ? error.message : String(error);
          nodeLog.error(
            { err: error },
            isHalted ? 'THE LOG IS HALTED, nothing is sealed' : 'entries were not sealed yet',
          );
        },
      });
      return work;
    },
  };
}

function telling(sealer: Sealer, onSealed: () => void): Sealer {
  return {
    async seal() {
      const round = await sealer.seal();
      if (round.kind === 'sealed') onSealed();
      return round;
    },
  };
}

/** Who the node is, by its documents. They list the keys of its log; whom else to ask for is the reader's to decide. */
export function trustBundle({ node_id, chain }: Pick<Identity, 'node_id' | 'chain'>): JsonObject {
  return { node_id, documents: chain };
}
