import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { JsonObject } from '../json.ts';
import type { Enforcement } from '../constitution/rules.ts';

/** A constitution as a client reads it; everything in it comes from the signed document. */
export interface PublishedConstitution {
  readonly version: number;
  /** SHA-256 of the canonical form without its proof. */
  readonly con: string;
  /** 0 to 1. */
  readonly ihsan_threshold: number;
  readonly snr_threshold: number;
  readonly rules: readonly PublishedRule[];
  /** What becomes of a text that misses a rule. */
  readonly penalties: readonly {
    readonly rule: string;
    readonly effect: 'refused' | 'lowers excellence' | 'recorded';
  }[];
  readonly document: JsonObject;
  readonly adopted: {
    /** Unix seconds from which it holds. */
    readonly effective: number;
    /** Of the entry that says so, once it is written. */
    readonly receipt?: string;
  };
}

export interface PublishedRule {
  /** `G0` to `G12`. */
  readonly rule: string;
  readonly scorer: string | null;
  readonly bar_bp: number;
  readonly mandatory: boolean;
  readonly enforcement: Enforcement;
  /** Actions whose chain has it. */
  readonly actions: readonly string[];
}

/** What is to be shown to comply. */
export type ComplianceSubject =
  | { readonly kind: 'envelope'; readonly envelope: string }
  /** A verdict of gates, or a decision that names one. */
  | { readonly kind: 'receipt'; readonly id: string };

export interface ComplianceCheck {
  /** A gate, or `ihsan`. */
  readonly rule: string;
  readonly passed: boolean;
  /** Basis points, as evidence has it; absent without evidence. */
  readonly value?: number;
  /** Basis points, as the constitution has it now. */
  readonly threshold: number;
  readonly enforcement: Enforcement;
  /** Id of the verdict or the envelope that shows it; null when nothing does, which fails. */
  readonly evidence: string | null;
  readonly code?: string;
}

export interface Compliance {
  /** Every strict rule, and `ihsan` where it was asked for. */
  readonly compliant: boolean;
  readonly con: string;
  readonly checks: readonly ComplianceCheck[];
}

export interface Constitutions {
  /** The newest, or that `version`; throws `constitution_not_found`. */
  get(version?: number): Promise<PublishedConstitution>;
  /**
   * Compares evidence with the rules as they are now: fetched and verified here, never taken from the caller. Throws
   * `receipt_not_found` when it is not there.
   *
   * @param rules gates, or `ihsan`; absent, those that the evidence is about
   */
  check(
    call: Call,
    request: { readonly subject: ComplianceSubject; readonly rules?: readonly string[] },
  ): Promise<Judged<Compliance>>;
}
