import { listedLog } from '../ledger/log-identity.ts';
import type { JsonObject } from '../json.ts';

/** A node that somebody trusts, and what tells of its keys. */
export interface Pin {
  readonly node_id: string;
  /** Its documents from 0 on, as far as they are known; without them nothing that needs the log is accepted. */
  readonly documents: readonly JsonObject[];
  /** A tlog-policy; absent, the keys that the newest document lists for the log, and no witness. */
  readonly policy?: string;
  /** The newest checkpoint of the log that was ever accepted here. */
  readonly newest?: SeenCheckpoint;
}

export interface SeenCheckpoint {
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
}

/** The policy by which checkpoints of this node are judged; undefined where no log is known. */
export function policyOf({ documents, policy }: Pick<Pin, 'documents' | 'policy'>): string | undefined {
  if (policy !== undefined) return policy;
  const newest = documents.at(-1);
  const vkeys = newest === undefined ? [] : listedLog(newest).vkeys;
  if (vkeys.length === 0) return undefined;
  return [...vkeys.map((vkey) => `log ${vkey}`), 'quorum none', ''].join('\n');
}
