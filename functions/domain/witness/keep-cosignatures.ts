import type { Now } from '../call.ts';
import { logObject } from '../ledger/keys.ts';
import type { LogStore, StoredCheckpoint } from '../ledger/log-store.ts';
import type { PublishedCheckpoint } from '../ledger/log.ts';
import type { Objects } from '../ports/objects.ts';
import { isLineOf, splitNote, timeOf } from './signature-lines.ts';
import { readVerifierKey, type VerifierKeyText } from './verifier-key.ts';

/**
 * Keeps verified cosignature lines of a checkpoint in two places, neither of which ever goes to a smaller tree:
 *
 * - in `log/checkpoint`, while it is still that of this size: readers of the log find them where they look;
 * - in `log/cosigned`, the newest checkpoint that has some. A log that is written to all the time has left a checkpoint
 *   behind before its cosignatures come, and without this place its receipts would never carry any.
 */
export async function keepCosignatures({
  objects,
  store,
  checkpoint,
  lines,
  vkeys,
  now,
}: {
  objects: Objects;
  store: Pick<LogStore, 'checkpoint' | 'cosigned'>;
  checkpoint: PublishedCheckpoint;
  lines: readonly string[];
  /** Of the configured witnesses: what others signed is not kept. */
  vkeys: readonly string[];
  now: Now;
}): Promise<void> {
  const keys = vkeys.map(readVerifierKey).filter((key) => key !== undefined);
  const isSame = ({ size, root }: StoredCheckpoint): boolean =>
    size === checkpoint.size && Buffer.compare(root, checkpoint.root) === 0;

  await replace('checkpoint', (there) => (there !== undefined && isSame(there) ? merged(there.note) : undefined));
  await replace('cosigned', (there) => {
    if (there !== undefined && isSame(there)) return merged(there.note);
    const note = merged(checkpoint.note);
    return there === undefined || isBetter({ there, note }) ? note : undefined;
  });

  /** The lines of the log, then one of each witness: the new one, or that which was there. */
  function merged(note: string): string {
    const { text, lines: there } = splitNote(note);
    const own = there.filter((line) => line.startsWith(`— ${text.slice(0, text.indexOf('\n'))} `));
    const cosignatures = keys.flatMap((key) => {
      const line = lineOf(lines, key) ?? lineOf(there, key);
      return line === undefined ? [] : [line];
    });
    return `${text}\n${own.join('')}${cosignatures.join('')}`;
  }

  /** A larger tree that fewer vouch for waits for the others, but not for one that never comes back. */
  function isBetter({ there, note }: { there: StoredCheckpoint; note: string }): boolean {
    if (there.size >= checkpoint.size) return false;
    const before = cosignaturesIn(there.note);
    const newest = Math.max(0, ...before.map(timeOf));
    return cosignaturesIn(note).length >= before.length || Math.abs(now() / 1000 - newest) > wait_s;
  }

  function cosignaturesIn(note: string): readonly string[] {
    return splitNote(note).lines.filter((line) => keys.some((key) => isLineOf(line, key)));
  }

  /** A compare-and-swap over what is there, again when a sealer or another gatherer was first. */
  async function replace(
    path: 'checkpoint' | 'cosigned',
    next: (there: StoredCheckpoint | undefined) => string | undefined,
  ): Promise<void> {
    for (let attempt = 0; attempt < attempts_max; attempt += 1) {
      const there = await store[path]();
      const note = next(there);
      if (note === undefined || note === there?.note) return;
      const condition = there === undefined ? ({ ifAbsent: true } as const) : { ifMatch: there.etag };
      const put = await objects.put(logObject(path), new TextEncoder().encode(note), condition);
      if (put.kind === 'written') return;
    }
  }
}

/** By then a witness that was away has been asked several times. */
const wait_s = 600;
/** The next round keeps what this one could not. */
const attempts_max = 5;

function lineOf(lines: readonly string[], key: VerifierKeyText): string | undefined {
  return lines.find((line) => isLineOf(line, key));
}
