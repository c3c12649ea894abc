import type { Now } from '../domain/call.ts';
import type { Identity } from '../domain/identity/open-identity.ts';
import type { Log } from '../domain/ledger/log.ts';
import type { Keys } from '../domain/ports/keys.ts';
import type { LedgerCompute } from '../domain/ports/ledger-compute.ts';
import type { Objects } from '../domain/ports/objects.ts';
import type { Table } from '../domain/ports/table.ts';
import type { WitnessClient } from '../domain/ports/witness-client.ts';
import { makeCosigner, type Cosigner } from '../domain/witness/make-cosigner.ts';
import { makeWitness } from '../domain/witness/make-witness.ts';
import { runCosigner, type CosigningWork } from '../domain/witness/run-cosigner.ts';
import type { Witness } from '../domain/witness/witness.ts';
import { openWitnessIdentity, type WitnessIdentity } from '../domain/witness/witness-identity.ts';
import type { ComputeSlots } from './compute-slots.ts';
import type { NodeLog } from './node-log.ts';
import type { WitnessSettings } from './witness-settings.ts';

/** What a node needs to witness others and to be witnessed. */
export interface WitnessParts {
  /** As they are configured now. */
  readonly settings: () => WitnessSettings;
  readonly client: WitnessClient;
  /** Whether a key of the role `witness` can be held here. */
  readonly has_keys: boolean;
}

export interface Witnessing {
  /** Absent where no key of a witness can be held. */
  readonly witness?: Witness;
  /** Asks the witnesses of our log; absent where there is no log. */
  readonly cosigner?: Cosigner;
  startCosigning(): CosigningWork | undefined;
  /** The log has grown. */
  readonly onSealed: () => void;
}

/** Asks the configured witnesses for a log; whoever seals may call `round` behind it, and needs no more of a node than this. */
export function cosignerOf({
  published,
  settings,
  log,
  ...rest
}: Pick<WitnessParts, 'client'> & {
  table: Table;
  objects: Objects;
  ledger: LedgerCompute;
  published: Pick<Log, 'origin' | 'vkeys' | 'published' | 'consistency'>;
  settings: () => Pick<WitnessSettings, 'witnesses'>;
  now: Now;
  log: NodeLog;
}): Cosigner {
  return makeCosigner({
    ...rest,
    log: published,
    witnesses: () => settings().witnesses,
    onFailure(witness, why, is_alarming) {
      if (is_alarming) log.error({ witness, why }, 'A WITNESS CONTRADICTS OUR LOG: it, or we, went back');
      else log.warn({ witness, why }, 'a witness did not cosign');
    },
    random: Math.random,
  });
}

/** Both sides of witnessing over one node's parts. */
export function makeWitnessing({
  parts,
  table,
  objects,
  keys,
  slots,
  identity,
  ledger,
  now,
  log,
}: {
  parts: WitnessParts | undefined;
  table: Table;
  objects: Objects;
  keys: Keys;
  slots: ComputeSlots;
  identity: Pick<Identity, 'node_id'>;
  ledger: Log | undefined;
  now: Now;
  log: NodeLog;
}): Witnessing {
  if (parts === undefined) return { startCosigning: () => undefined, onSealed: () => {} };
  const { settings, client, has_keys } = parts;
  const rows = { table, ledger: slots.verify.ledger, now };
  const witness = has_keys
    ? makeWitness({
        ...rows,
        keys,
        identity: keyByName((name) => openWitnessIdentity({ table, keys, digest: slots.digest, name, now })),
        logs: foreignLogs,
        onFault: (facts, message) => log.error(facts, message),
      })
    : undefined;
  const cosigner =
    ledger === undefined ? undefined : cosignerOf({ ...rows, objects, published: ledger, settings, client, log });
  let work: CosigningWork | undefined;

  return {
    ...(witness === undefined ? {} : { witness }),
    ...(cosigner === undefined ? {} : { cosigner }),
    onSealed: () => work?.wake(),
    startCosigning() {
      if (cosigner === undefined) return undefined;
      work = runCosigner({ cosigner, onError: (error) => log.error({ err: error }, 'witnesses were not asked') });
      return work;
    },
  };

  /** Our own log is none of them: whoever believes this node has its signature, and a second one would say no more. */
  function foreignLogs(): ReadonlyMap<string, readonly string[]> {
    const { logs } = settings();
    if (ledger === undefined || !logs.has(ledger.origin)) return logs;
    return new Map([...logs].filter(([origin]) => origin !== ledger.origin));
  }

  /** A key is made when a log is configured, not before; of each name it is opened once. */
  function keyByName(open: (name: string) => Promise<WitnessIdentity>): () => Promise<WitnessIdentity | undefined> {
    const opened = new Map<string, Promise<WitnessIdentity>>();
    return async () => {
      const { name = `signet/${identity.node_id.replace('did:key:', '')}/witness`, logs } = settings();
      if (logs.size === 0 && settings().name === undefined) return undefined;
      const known = opened.get(name) ?? open(name);
      opened.set(name, known);
      // What failed is tried again by the next request.
      return known.catch((error: unknown) => {
        opened.delete(name);
        throw error;
      });
    };
  }
}
