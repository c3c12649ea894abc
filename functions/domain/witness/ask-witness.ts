import type { LedgerCompute } from '../ports/ledger-compute.ts';
import type { WitnessAnswer, WitnessClient } from '../ports/witness-client.ts';
import { base64Lines } from '../ledger/make-log.ts';
import type { Log, PublishedCheckpoint } from '../ledger/log.ts';
import { isLineOf, linesOf, splitNote } from './signature-lines.ts';
import { readVerifierKey } from './verifier-key.ts';

export interface ConfiguredWitness {
  /** Submission prefix: `<url>/add-checkpoint` is asked. */
  readonly url: string;
  readonly vkey: string;
}

export type Asked =
  | { readonly kind: 'cosigned'; readonly line: string }
  /** It has seen more of our log than we have, or something else: ours, or what it remembers, went back. */
  | { readonly kind: 'contradicts'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/**
 * Asks one witness to cosign a checkpoint, from the size that it is thought to have; where it says that it has another, it
 * is asked once more, with the proof from there. What it answers counts only when its own key signed this very text: lines
 * of other keys are dropped, and one that does not hold is a failure.
 */
export async function askWitness({
  witness,
  old,
  checkpoint,
  log,
  ledger,
  client,
  timeout_ms,
  signal,
}: {
  witness: ConfiguredWitness;
  old: number;
  checkpoint: PublishedCheckpoint;
  log: Pick<Log, 'origin' | 'consistency'>;
  ledger: Pick<LedgerCompute, 'openCheckpoint'>;
  client: WitnessClient;
  timeout_ms: number;
  signal?: AbortSignal | undefined;
}): Promise<Asked> {
  const key = readVerifierKey(witness.vkey);
  if (key === undefined) return { kind: 'failed', why: 'its verifier key cannot be read' };
  const { text, lines } = splitNote(checkpoint.note);
  const signed = `${text}\n${lines.filter((line) => line.startsWith(`— ${log.origin} `)).join('')}`;

  // Larger than what is published, it would be refused for its form, and say nothing of what the witness has.
  let from = Math.min(old, checkpoint.size);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const proof = from === 0 || from === checkpoint.size ? new Uint8Array() : await prove(from);
    if (proof === undefined) return { kind: 'failed', why: `no proof from ${from} to ${checkpoint.size} entries` };
    const answer = await client.addCheckpoint({
      url: witness.url,
      body: `old ${from}\n${base64Lines(proof)}\n${signed}`,
      timeout_ms,
      signal,
    });
    if (answer.status === 200) return cosignatureIn(answer);
    const known = answer.status === 409 ? sizeIn(answer) : undefined;
    if (known === undefined || known === from) return refusal(answer);
    if (known > checkpoint.size) {
      return { kind: 'contradicts', why: `it cosigned ${known} entries, the published log has ${checkpoint.size}` };
    }
    from = known;
  }
  return { kind: 'failed', why: 'it says another size each time' };

  function prove(from: number): Promise<Uint8Array | undefined> {
    return log.consistency({ old: from, size: checkpoint.size });
  }

  async function cosignatureIn({ body }: WitnessAnswer): Promise<Asked> {
    const own = linesOf(body).filter((line) => key !== undefined && isLineOf(line, key));
    const [line] = own;
    if (line === undefined || own.length > 1) return { kind: 'failed', why: 'expected one line by its key' };
    const opened = await ledger.openCheckpoint({ note: `${text}\n${line}`, vkeys: [witness.vkey] });
    return opened.ok ? { kind: 'cosigned', line } : { kind: 'failed', why: `its cosignature: \`${opened.code}\`` };
  }
}

/** What a witness may refuse that our own log is at fault for, told apart from what time mends. */
function refusal({ status }: WitnessAnswer): Asked {
  if (status === 409) return { kind: 'contradicts', why: 'it cosigned another tree of this size' };
  if (status === 422) return { kind: 'contradicts', why: 'what it cosigned before is not the beginning of our log' };
  return { kind: 'failed', why: `it answered ${status}` };
}

function sizeIn({ type, body }: WitnessAnswer): number | undefined {
  const [, digits] = /^(0|[1-9]\d{0,15})\n$/.exec(body) ?? [];
  return type === 'text/x.tlog.size' && digits !== undefined ? Number(digits) : undefined;
}
