import type { JsonObject } from '../json.ts';
import type { ChatMessage, ChatTool, FinishReason, ToolCall, Usage } from '../chat/chat-types.ts';

export type Tier = 'edge' | 'local' | 'pool';

export interface ModelInfo {
  /** `provider/id` as the API names it. */
  readonly id: string;
  readonly provider: string;
  readonly tier: Tier;
  readonly capabilities: readonly ('chat' | 'tools' | 'json_schema' | 'stream' | 'embeddings')[];
  readonly context_tokens?: number;
  /** The one that `auto` prefers among those of its provider. */
  readonly default?: boolean;
  /** True for rules posing as a model: `signet-edge-1` says so everywhere. */
  readonly rules?: boolean;
  readonly owned_by: string;
}

/** A chat as a provider gets it: validated, defaults filled in, server tools already among `tools`. */
export interface ProviderRequest {
  /** Without the provider's prefix. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ChatTool[];
  readonly tool_choice?: 'none' | 'auto' | 'required' | { readonly name: string };
  readonly parallel_tool_calls?: boolean;
  readonly response_format?: JsonObject;
  readonly max_tokens?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly n?: number;
  readonly stream: boolean;
  /** Fields passed through untouched (`logprobs`, `presence_penalty`, … and the provider's `extra_params`). */
  readonly extra: JsonObject;
}

/** A piece of the answer, in order. Without streaming there is one piece for each choice and then the end. */
export interface ProviderChunk {
  readonly choices: readonly {
    readonly index: number;
    readonly text?: string;
    readonly refusal?: string;
    readonly tool_calls?: readonly ToolCallDelta[];
    readonly finish_reason?: FinishReason;
    readonly logprobs?: JsonObject;
  }[];
  readonly usage?: Usage;
}

export interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  /** Piece of the arguments' JSON text. */
  readonly arguments?: string;
}

export type { ToolCall };

export interface ChatProvider {
  readonly name: string;
  readonly tier: Tier;
  models(signal: AbortSignal): Promise<readonly ModelInfo[]>;
  /**
   * Asks now, whatever was remembered, and resolves if the provider answered as one that would serve: with the ids that
   * it has, without its prefix, or `undefined` where it lists none. Throws `SignetError` of the `provider_*` codes.
   */
  probe(signal: AbortSignal): Promise<readonly string[] | undefined>;
  /**
   * Connects, retries what may be retried before the first piece, then streams. Throws `SignetError` of the
   * `provider_*` codes. Ending the iteration, or aborting `signal`, cancels the upstream request.
   */
  chat(request: ProviderRequest, signal: AbortSignal): AsyncIterable<ProviderChunk>;
}
