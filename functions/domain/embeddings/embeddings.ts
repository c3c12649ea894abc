import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { InputType, Precision } from '../ports/compute.ts';

export interface EmbedRequest {
  /** Id or alias of `models.json`; the default model when absent. */
  readonly model?: string;
  readonly texts: readonly string[];
  readonly input_type: InputType;
  readonly truncate: 'end' | 'error';
  /** The model's default when absent. */
  readonly precision?: Precision;
  /** Fewer components than the model has, for models that were trained to be cut. */
  readonly dimensions?: number;
}

export interface Embedded {
  readonly model: string;
  /** SHA-256 of the weights: the identity of the model. */
  readonly model_digest: string;
  readonly precision: Precision;
  readonly dimension: number;
  readonly vectors: readonly Float32Array[];
  readonly tokens: readonly number[];
  readonly truncated: readonly number[];
  readonly served_by: string;
}

export interface EmbeddingModel {
  readonly id: string;
  readonly dimension: number;
  readonly max_tokens: number;
  readonly installed: boolean;
  /** Whether digests are known by which its files may be fetched. */
  readonly pinned: boolean;
  /** Precisions that can be asked for here; empty while it is not installed. */
  readonly precisions: readonly Precision[];
  readonly default_precision: Precision | null;
  /** Precisions whose quality was compared with fp32 and passed. */
  readonly checked: readonly Precision[];
  /** Lengths to which its vectors may be cut. */
  readonly truncatable: readonly number[];
  readonly default: boolean;
  readonly license: string;
  /** Other names that it answers to. */
  readonly aliases: readonly string[];
  /** Whether this caller may use it. */
  readonly permitted: boolean;
}

export interface Embeddings {
  embed(call: Call, request: EmbedRequest): Promise<Judged<Embedded>>;
  /**
   * Without a decision of its own: for callers that are judged already (vector put and query). A precision that is not
   * installed is a `model_mismatch`: vectors that were made with it cannot be compared with those of another.
   */
  vectorsOf(request: EmbedRequest, signal: AbortSignal): Promise<Embedded>;
  /** All that the registry knows, installed or not. */
  models(call: Call): Promise<readonly EmbeddingModel[]>;
}
