import { listedLog } from '../ledger/log-identity.ts';
import type { JsonObject } from '../json.ts';
import type { LedgerCompute } from '../ports/ledger-compute.ts';

/** A node that somebody trusts, and what tells of its keys. */
export interface Pin {
  readonly node_id: string;
  /** Its documents from 0 on, as far as they are known; without them nothing that needs the log is accepted. */
  readonly documents: readonly JsonObject[];
  /**
   * A tlog-policy. Without a `log` line it is about the keys that the newest document lists for the log; absent, about
   * these, and no witness.
   */
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
  if (policy !== undefined && namesLogs(policy)) return policy;
  const vkeys = listedKeys(documents);
  if (vkeys.length === 0) return policy;
  return [...vkeys.map((vkey) => `log ${vkey}`), policy ?? 'quorum none\n'].join('\n');
}

/** The verifier keys of the log that a pin is about, whatever it asks of witnesses. */
export function logKeysOf({ documents, policy }: Pick<Pin, 'documents' | 'policy'>): readonly string[] {
  if (policy === undefined || !namesLogs(policy)) return listedKeys(documents);
  return policy.split('\n').flatMap((line) => {
    const [word, vkey] = line.trim().split(/[ \t]+/);
    return word === 'log' && vkey !== undefined ? [vkey] : [];
  });
}

/** Whether the text is a tlog-policy; what it says is not judged. */
export async function isPolicy(ledger: Pick<LedgerCompute, 'judgeCheckpoint'>, policy: string): Promise<boolean> {
  const judged = await ledger.judgeCheckpoint({ note: anyNote, policy: new TextEncoder().encode(policy) });
  return judged.ok || judged.code !== 'log.malformed';
}

function listedKeys(documents: readonly JsonObject[]): readonly string[] {
  const newest = documents.at(-1);
  return newest === undefined ? [] : listedLog(newest).vkeys;
}

function namesLogs(policy: string): boolean {
  return /^[ \t]*log[ \t]/m.test(policy);
}

/** In its form a checkpoint, signed by nobody. */
const anyNote = `any\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— any ${Buffer.alloc(68).toString('base64')}\n`;
