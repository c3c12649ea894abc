import type { Call } from '../call.ts';
import type { FinishReason } from '../chat/chat-types.ts';
import type { Tier } from '../ports/provider.ts';
import type { RouteCandidate } from '../routing/route.ts';

export interface GenerateRequest {
  readonly prompt: string;
  readonly system?: string;
  readonly max_tokens: number;
  readonly temperature: number;
  /** Absent: whichever the router takes. */
  readonly tier?: Tier;
  /** Milliseconds until 504. */
  readonly deadline_ms?: number;
}

/** How a generation went; all of it measured or reported, nothing assumed. */
export interface GenerationFacts {
  readonly model: string;
  readonly tier: Tier;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly duration_ms: number;
  /** Absent when nothing was generated or it took no measurable time. */
  readonly tokens_per_second?: number;
  readonly finish_reason: FinishReason;
  readonly route: readonly RouteCandidate[];
}

export interface Generated extends GenerationFacts {
  readonly text: string;
  readonly receipt: string;
}

export type GenerationEvent =
  | { readonly kind: 'text'; readonly text: string }
  /** The last one; `receipt` is that of the outcome. */
  | ({ readonly kind: 'done'; readonly receipt: string } & GenerationFacts);

export interface StreamedGeneration {
  /** Receipt of the decision. */
  readonly receipt: string;
  readonly route: string;
  /** Ends with `done`, or throws `SignetError`. */
  readonly events: AsyncIterable<GenerationEvent>;
}

export interface InferenceModel {
  readonly name: string;
  readonly tier: Tier;
  readonly provider: string;
  readonly context_length?: number;
  /** By a probe of the last five minutes; absent when there is none, or the provider does not say. */
  readonly available?: boolean;
  /** Unix milliseconds. */
  readonly probed_at?: number;
}

export interface TierRequest {
  readonly prompt: string;
  readonly max_tokens: number;
  readonly latency_sensitive: boolean;
}

export interface TierAdvice {
  readonly recommended_tier: Tier;
  readonly model: string;
  /** 0 to 1, of the features alone. */
  readonly complexity: number;
  /** Sentences that a person reads, in the order in which the router went. */
  readonly reasoning: readonly string[];
  readonly features: PromptFeatures;
  /** What is known of the recommended provider; a member that nobody measured is absent. */
  readonly estimates: { readonly ms?: number; readonly nanousd?: number };
  readonly runner_up?: { readonly model: string; readonly tier: Tier };
}

export interface PromptFeatures {
  readonly prompt_tokens: number;
  readonly answer_tokens: number;
  readonly lines: number;
  readonly questions: number;
  readonly has_code: boolean;
}

/** Text from a prompt, over the same router, policy and receipts as chats. */
export interface Inference {
  /** @throws {SignetError} 503 `no_provider`, 504 `provider_timeout`, and what a chat throws */
  generate(call: Call, request: GenerateRequest): Promise<Generated>;
  stream(call: Call, request: GenerateRequest): Promise<StreamedGeneration>;
  models(call: Call): Promise<readonly InferenceModel[]>;
  /** What `generate` would choose now, and why. @throws {SignetError} 503 `no_provider` */
  recommend(call: Call, request: TierRequest): Promise<TierAdvice>;
}
