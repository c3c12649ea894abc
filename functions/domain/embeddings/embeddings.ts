import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { InputType } from '../ports/compute.ts';

export interface EmbedRequest {
  /** Id or alias of `models.json`; the default model when absent. */
  readonly model?: string;
  readonly texts: readonly string[];
  readonly input_type: InputType;
  readonly truncate: 'end' | 'error';
}

export interface Embedded {
  readonly model: string;
  /** SHA-256 of the weights: the identity of the model. */
  readonly model_digest: string;
  readonly precision: 'fp32' | 'int8';
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
  readonly default: boolean;
  readonly license: string;
  /** Other names that it answers to. */
  readonly aliases: readonly string[];
  /** Whether this caller may use it. */
  readonly permitted: boolean;
}

export interface Embeddings {
  embed(call: Call, request: EmbedRequest): Promise<Judged<Embedded>>;
  /** Without a decision of its own: for callers that are judged already (vector put and query). */
  vectorsOf(request: EmbedRequest, signal: AbortSignal): Promise<Embedded>;
  /** All that the registry knows, installed or not. */
  models(call: Call): Promise<readonly EmbeddingModel[]>;
}
