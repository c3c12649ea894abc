import type { Json } from '../json.ts';
import type { DigestCompute } from '../ports/compute.ts';

export interface DigestedJson {
  /** RFC 8785 form. */
  readonly canonical: Uint8Array;
  /** Lower-case hex of the canonical form's digests. */
  readonly sha256: string;
  readonly blake3: string;
}

/** A value outside the I-JSON profile has no canonical form; `code` says why (`json.number`, `json.string`, …). */
export class NotCanonicalError extends Error {
  override readonly name = 'NotCanonicalError';
  readonly code: string;
  readonly index: number;

  constructor(facts: { code: string; index: number }) {
    super(`value ${facts.index} has no canonical form: ${facts.code}`);
    this.code = facts.code;
    this.index = facts.index;
  }
}

/** Canonical forms and digests, in the order of `values`. Throws `NotCanonicalError` at the first value without one. */
export async function digestJson(digest: DigestCompute, values: readonly Json[]): Promise<readonly DigestedJson[]> {
  const encoder = new TextEncoder();
  const outcomes = await digest.canonicalise(values.map((value) => encoder.encode(JSON.stringify(value))));
  const canonical = outcomes.map((outcome, index) => {
    if (!outcome.ok) throw new NotCanonicalError({ code: outcome.code, index });
    return outcome.canonical;
  });
  const digests = await digest.digest(canonical);
  return canonical.map((bytes, index) => {
    const pair = digests[index];
    if (pair === undefined) throw new Error('the digest capability answered fewer digests than it was asked for');
    return { canonical: bytes, ...pair };
  });
}
