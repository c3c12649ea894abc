import type { Call } from '../call.ts';
import type { Json, JsonObject } from '../json.ts';
import type { SignetError } from '../errors.ts';
import type { Action, Facts, PolicyAnswer, Resource } from '../ports/policy-engine.ts';

/** What a decision is about. `facts` go to Cedar and into the receipt. */
export interface Judgement {
  readonly action: Action;
  readonly resource: Resource;
  readonly facts: Facts;
  /** What was asked, for the receipt's `subject[]`: kept as a salted content record, only its digests are signed. */
  readonly request?: Json;
  /** Gates of the constitution around this action; absent where it has none but policy. */
  readonly gates?: {
    readonly screen: Screen;
    /** Of what went out, once there is any. */
    readonly verdict: () => JsonObject | undefined;
  };
}

/** Runs the gates for what was asked. They ask policy in their place, with what they found as further facts. */
export type Screen = (policy: (facts: Facts) => PolicyAnswer) => Promise<Screened>;

export interface Screened {
  /** For the statement: `verdict.in`. */
  readonly verdict: JsonObject;
  /** Why the action must not begin. */
  readonly refusal?: SignetError;
}

/** How a permitted action ended; becomes fields of the decision statement. */
export interface Outcome {
  readonly usage?: JsonObject;
  readonly route?: JsonObject;
  readonly finish?: string;
  /** Receipts of the decisions made inside this one. */
  readonly parents?: readonly string[];
  /** What was answered, for `subject[]`. */
  readonly response?: Json;
  /** Further small, non-secret facts of the outcome (counts, digests, snapshot ids). */
  readonly detail?: JsonObject;
}

export interface Judged<T> {
  readonly value: T;
  /** Id of the receipt, durable before this resolves. */
  readonly receipt: string;
}

/** A permitted action that is under way: for streams, whose decision is recorded before and whose outcome after. */
export interface OpenDecision {
  /** Receipt of the decision, durable before the first byte goes out. */
  readonly receipt: string;
  /** Records the outcome and answers its receipt. Call exactly one of the two, once. */
  succeed(outcome: Outcome): Promise<string>;
  fail(error: unknown): Promise<string>;
}

/**
 * The one road of every decision: ask policy, do the work, record what was decided and how it ended, durably, and
 * name the receipt. A refusal or a failure leaves its receipt too and throws with `receipt` set
 * (`SignetError`; anything else becomes `internal` with its cause).
 */
export interface Judge {
  /** One statement, written when the work has ended. */
  decide<T>(call: Call, judgement: Judgement, work: () => Promise<{ value: T; outcome: Outcome }>): Promise<Judged<T>>;
  /**
   * Two statements: the decision now, the outcome by `succeed` or `fail`, with the decision among its parents.
   * `begin` is called once policy permits, while the decision is still being stored. What it begins may show nothing
   * before this resolves, and is the caller's to end when this rejects: then nothing was recorded.
   */
  open(call: Call, judgement: Judgement, begin?: () => void): Promise<OpenDecision>;
  /** Policy only, no record: for plain reads and for listing what may be used. */
  permits(call: Call, judgement: Judgement): boolean;
}
