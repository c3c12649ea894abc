import { judgeByPins, treeHead } from './judge-checkpoint.ts';
import type { Pin } from './pin.ts';
import type { ReceiptFile } from './read-receipt.ts';
import { firstNotCanonical, judgeReceipt } from './verify-receipt.ts';
import type { Check, CheckName, JudgeFacts, Verdict, VerdictExit } from './verify-receipt.ts';

/** A checkpoint that a policy accepted. */
export interface AcceptedCheckpoint {
  readonly node_id: string;
  readonly origin: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
  readonly witnesses: readonly string[];
  /** Whether the policy asks for witnesses at all. */
  readonly has_quorum: boolean;
}

export type LogVerdict = Verdict & {
  /** There once log and quorum held, whatever became of the rest. */
  readonly checkpoint?: AcceptedCheckpoint;
};

/** Whether a receipt file is a tlog-proof text; anything else is read as JSON. */
export function isLogProof(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, magic.length)) === magic;
}

/**
 * Judges a receipt that is a tlog-proof text, offline: its form, the place of the entry in the tree of the checkpoint, the
 * signature of a pinned log and the quorum of its policy, that no other tree of this size was seen, and then everything
 * that `judgeReceipt` asks, with the documents of the pinned chain. `extra` is believed no further than hash and
 * signatures carry it.
 */
export async function verifyLogProof({
  bytes,
  pins,
  ...facts
}: { bytes: Uint8Array; pins: readonly Pin[] } & Pick<
  JudgeFacts,
  'verify' | 'digest' | 'content'
>): Promise<LogVerdict> {
  const { ledger } = facts.verify;
  const checks: Check[] = [];
  const pass = (name: CheckName, detail: string): void => {
    checks.push({ name, ok: true, code: 'ok', detail });
  };
  const fail = (name: CheckName, exit: VerdictExit, code: string, detail: string): LogVerdict => {
    checks.push({ name, ok: false, code, detail });
    return { valid: false, exit, code, checks };
  };

  const read = await ledger.readLogProof(bytes);
  if (!read.ok) return fail('form', 10, read.code, 'expected a tlog-proof text of version 1');
  const carried = readExtra(read.extra);
  if (carried === undefined) {
    return fail('form', 10, 'schema.mismatch', 'expected canonical JSON of `delegation` and `entry` as extra data');
  }
  const notCanonical = await firstNotCanonical(facts.digest, carried);
  if (notCanonical !== undefined) return fail('form', 10, notCanonical.code, notCanonical.detail);
  const head = await treeHead(ledger, read.checkpoint);
  if (!head.ok) return fail('form', 10, head.code, 'expected a checkpoint behind the proof');
  pass('form', `a log proof of ${bytes.length} bytes`);

  const { size, root, origin } = head;
  const included = await ledger.verifyInclusion({
    entry: carried.entry,
    index: read.index,
    size,
    root,
    proof: read.proof,
  });
  if (!included.ok)
    return fail('inclusion', 12, included.code, `the tree of ${size} entries does not have this one at ${read.index}`);
  pass('inclusion', `entry ${read.index} of ${size}`);

  const judged = await judgeByPins(ledger, read.checkpoint, pins);
  if (judged === undefined) return fail('log', 3, 'trust.unpinned', `no pinned node has the log \`${origin}\``);
  if (!judged.ok) {
    if (judged.code === 'log.quorum')
      return fail('quorum', 13, judged.code, 'too few of the pinned witnesses cosigned');
    const exit = judged.code === 'log.malformed' ? 10 : 11;
    return fail('log', exit, judged.code, `no key that is pinned for \`${origin}\` signed this checkpoint`);
  }
  const { pin, witnesses, has_quorum } = judged;
  pass('log', `signed by ${origin}`);
  pass('quorum', quorumDetail({ witnesses, has_quorum }));
  const hexRoot = Buffer.from(root).toString('hex');
  if (pin.newest?.size === size && pin.newest.root !== hexRoot) {
    return fail(
      'history',
      12,
      'log.rollback',
      `another tree of ${size} entries was seen before: the log shows two histories`,
    );
  }
  pass('history', 'nothing that was seen before contradicts it');
  const checkpoint = { node_id: pin.node_id, origin, size, root: hexRoot, witnesses, has_quorum };

  const newest = pin.documents.at(-1);
  if (newest === undefined) {
    return { ...fail('document', 3, 'trust.unpinned', `the documents of ${pin.node_id} are not pinned`), checkpoint };
  }
  const verdict = await judgeReceipt({
    receipt: { ...carried, document: newest },
    before: checks,
    ...facts,
    trust: [pin.node_id],
    chains: [pin.documents],
    log_index: read.index,
  });
  return { ...verdict, checkpoint };
}

/** Where no quorum is asked for, that is said, whoever may have cosigned. */
export function quorumDetail({ witnesses, has_quorum }: Pick<AcceptedCheckpoint, 'witnesses' | 'has_quorum'>): string {
  if (has_quorum) return `cosigned by ${witnesses.join(', ')}`;
  if (witnesses.length > 0) return `quorum none is asked for; cosigned by ${witnesses.join(', ')}`;
  return 'quorum none is asked for: no witness vouches for this log';
}

const magic = 'c2sp.org/tlog-proof@v1\n';

function readExtra(extra: Uint8Array): Pick<ReceiptFile, 'entry' | 'delegation'> | undefined {
  let text: string;
  let value: { delegation?: unknown; entry?: unknown } | null;
  try {
    // A mark that a lenient reader drops would be a second spelling of the same receipt.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(extra);
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const { delegation, entry } = value ?? {};
  if (typeof delegation !== 'string' || typeof entry !== 'string') return undefined;
  // In this order of names it is canonical, and whatever else was in the text is not in it.
  if (JSON.stringify({ delegation, entry }) !== text) return undefined;
  const [delegationBytes, entryBytes] = [delegation, entry].map((encoded) => Buffer.from(encoded, 'base64'));
  if (delegationBytes?.toString('base64') !== delegation || entryBytes?.toString('base64') !== entry) return undefined;
  return { delegation: delegationBytes, entry: entryBytes };
}
