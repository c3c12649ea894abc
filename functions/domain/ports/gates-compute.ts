/**
 * Scorers of the gates: pure functions of the text, in integers; every build answers alike. Basis points are 0 to 10,000.
 * Texts are any bytes, at most 256 KiB where a gate asks; results are in the order of the texts.
 */
export interface GatesCompute {
  /** `snr/1`: how much a text looks like language. It measures form, not truth. */
  scoreSnr(texts: readonly Uint8Array[], scoring?: Deadline): Promise<readonly SnrScore[]>;
  /** `leak/2`, unless another is named: 10,000 without a hit, else 0. */
  scoreLeak(
    texts: readonly Uint8Array[],
    scoring?: Deadline & { readonly scorer?: LeakScorer },
  ): Promise<readonly LeakScore[]>;
  /** `inject/2`, unless another is named: 2,500 less for each class with a hit. */
  scoreInjection(
    texts: readonly Uint8Array[],
    scoring?: Deadline & { readonly scorer?: InjectionScorer },
  ): Promise<readonly InjectionScore[]>;
  /** `leak/2` of texts that come in pieces: all pieces together have the hits of the whole text. */
  scanLeaks(pieces: readonly LeakPiece[], scoring?: Deadline): Promise<readonly LeakScan[]>;
  /** Digests that a text cites, for `ground/1`: each once, at most 64. */
  findCitations(texts: readonly Uint8Array[]): Promise<readonly Citations[]>;
  /** `ground/1`: the share of the cited digests that were found. */
  scoreGround(items: readonly { found: number; cited: number }[]): Promise<readonly number[]>;
  /** `excellence/1`: the least attainment of each list of gates. */
  scoreExcellence(lists: readonly (readonly Attainment[])[]): Promise<readonly number[]>;
  /** What a constitution names: scorers and lists of this build with the SHA-256 of what each depends on. */
  describeScorers(): Promise<ScorerDescription>;
}

/** Each text must be scored within as many milliseconds; throws `ScorerLateError` when one is not. */
export interface Deadline {
  readonly within_ms?: number;
}

/** Time was over before the text was: looked at every 4 KiB. */
export class ScorerLateError extends Error {
  override readonly name = 'ScorerLateError';
}

export type LeakScorer = 'leak/1' | 'leak/2';
export type InjectionScorer = 'inject/1' | 'inject/2';

/** A piece of a text: what the scan before it held back, and what has come behind that. */
export interface LeakPiece {
  /** Of the scan before; 0 where the text begins. */
  readonly context: number;
  readonly text: Uint8Array;
  /** The text ends here: nothing is held back. */
  readonly is_last: boolean;
}

export interface LeakScan {
  readonly context: number;
  /** Bytes at the end that may belong to a match: ASCII, at most 128. They begin the next piece. */
  readonly held: number;
  readonly cards: number;
  readonly ibans: number;
  readonly keys: number;
}

export type SnrScore =
  | {
      readonly scored: true;
      readonly score: number;
      /** The word that ends the lowest prefix, counted from 1, and how many were read. */
      readonly at_word: number;
      readonly words: number;
      /** Of that prefix. */
      readonly features: SnrFeatures;
      readonly language: string;
    }
  /** `short`: under twenty words; `language`: no list for its script. */
  | { readonly scored: false; readonly reason: 'short' | 'language' };

export interface SnrFeatures {
  readonly repeat: number;
  readonly copies: number;
  readonly density: number;
  readonly form: number;
  readonly function: number;
  readonly clean: number;
}

export interface LeakScore {
  readonly score: number;
  readonly cards: number;
  readonly ibans: number;
  readonly keys: number;
}

export interface InjectionScore {
  readonly score: number;
  readonly overrides: number;
  readonly hidden: number;
  readonly links: number;
  readonly runs: number;
}

export interface Citations {
  readonly digests: readonly string[];
  readonly has_more: boolean;
}

export interface Attainment {
  readonly score: number;
  readonly bar: number;
}

export interface ScorerDescription {
  readonly scorers: readonly DescribedPart[];
  readonly lists: readonly DescribedPart[];
}

export interface DescribedPart {
  readonly id: string;
  /** Lower-case hex. */
  readonly sha256: string;
}
