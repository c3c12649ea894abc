import type { Outcome } from '../ports/compute.ts';
import type { LedgerCompute, TreeHead } from '../ports/ledger-compute.ts';
import { policyOf, type Pin } from './pin.ts';

/** The first pin whose policy knows the log. */
export async function judgeByPins(
  ledger: LedgerCompute,
  note: string,
  pins: readonly Pin[],
): Promise<Outcome<{ pin: Pin; witnesses: readonly string[]; has_quorum: boolean }> | undefined> {
  for (const pin of pins) {
    const policy = policyOf(pin);
    if (policy === undefined) continue;
    const judged = await ledger.judgeCheckpoint({ note, policy: new TextEncoder().encode(policy) });
    if (judged.ok) return { ok: true, pin, witnesses: judged.witnesses, has_quorum: judged.has_quorum };
    if (judged.code !== 'log.origin') return judged;
  }
  return undefined;
}

/** What a checkpoint says before anybody signed for it: the body of a witness request is read without keys. */
export function treeHead(ledger: LedgerCompute, note: string): Promise<Outcome<TreeHead>> {
  return ledger.readWitnessRequest(new TextEncoder().encode(`old 0\n\n${note}`));
}
