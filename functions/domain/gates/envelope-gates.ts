import type { Finding, Gate } from './run-chain.ts';

/** How the verify order of an envelope ended; the first failure is the last check. */
export interface EnvelopeFindings {
  readonly valid: boolean;
  readonly checks: readonly { readonly check: string; readonly ok: boolean; readonly code?: string }[];
  readonly id?: string;
  readonly iss?: string;
  /** Whether its message is about the content that is judged; known once it is valid. */
  readonly is_about_content?: boolean;
  /** Whether it was admitted before; known once it is valid. */
  readonly is_seen?: boolean;
}

/**
 * G2 to G5 over what the verify order found: it runs once, in its own order, and each gate tells its part. Without an
 * envelope they say `na`. G5 reads whether the message was admitted before; judging content admits none.
 */
export function envelopeGates(findings: () => Promise<EnvelopeFindings | undefined>): ReadonlyMap<string, Gate> {
  const gate = (id: string): Gate => ({
    tier: 'cheap',
    run: async () => findingOf(id, await findings()),
  });
  return new Map(['G1', 'G2', 'G3', 'G4', 'G5'].map((id) => [id, gate(id)]));
}

/** The code of an envelope that is none, which G0 tells. */
export function formFault(findings: EnvelopeFindings | undefined): string | undefined {
  return findings?.checks.find(({ check, ok }) => check === 'form' && !ok)?.code;
}

/** What one of G1 to G5 says of the findings. */
export function findingOf(id: string, findings: EnvelopeFindings | undefined): Finding {
  if (findings === undefined) return { state: 'na', facts: { enveloped: false } };
  if (id === 'G5') return replayFinding(findings);
  const failed = findings.checks.find(({ ok }) => !ok);
  const facts = { enveloped: true, ...(findings.id === undefined ? {} : { envelope: findings.id }) };
  if (failed !== undefined && gateOf(failed) === id) {
    return { state: 'scored', score: 0, code: failed.code ?? 'internal', facts };
  }
  if (id === 'G1' && findings.valid && findings.is_about_content !== true) {
    return { state: 'scored', score: 0, code: 'digest.mismatch', facts };
  }
  return { state: 'scored', score: full, code: '', facts };
}

function replayFinding({ is_seen }: EnvelopeFindings): Finding {
  if (is_seen === undefined) return { state: 'na', facts: { asked: false } };
  return { state: 'scored', score: is_seen ? 0 : full, code: 'replay.seen', facts: { seen: is_seen } };
}

const full = 10_000;

/** Whose part a check is. A message that is not of its key's owner is a matter of identity, whenever it is found. */
function gateOf({ check, code = '' }: { check: string; code?: string }): string {
  if (code.startsWith('key.') || check === 'key') return 'G2';
  if (check === 'signature') return 'G3';
  if (check === 'payload') return 'G1';
  if (check === 'binding' || check === 'time') return 'G4';
  return check === 'rate' ? 'G6' : 'G0';
}
