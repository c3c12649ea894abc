import type { Json, JsonObject } from '../json.ts';

/** The OpenAI chat wire format, as far as Signet speaks it; field names are the wire's. */

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  /** `arguments` is JSON text, as the model wrote it. */
  readonly function: { readonly name: string; readonly arguments: string };
}

export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string; readonly detail?: string } }
  | { readonly type: 'refusal'; readonly refusal: string };

export type ChatMessage =
  | {
      readonly role: 'system' | 'developer' | 'user';
      readonly content: string | readonly ContentPart[];
      readonly name?: string;
    }
  | {
      readonly role: 'assistant';
      readonly content?: string | readonly ContentPart[] | null;
      readonly refusal?: string | null;
      readonly name?: string;
      readonly tool_calls?: readonly ToolCall[];
    }
  | { readonly role: 'tool'; readonly content: string | readonly ContentPart[]; readonly tool_call_id: string };

export interface ChatTool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string;
    /** JSON Schema of the arguments. */
    readonly parameters?: JsonObject;
    readonly strict?: boolean | null;
  };
}

export interface Usage {
  readonly in: number;
  readonly out: number;
  readonly cached_in?: number;
  readonly reasoning?: number;
  /** True when the provider gave none and we counted. */
  readonly estimated?: boolean;
}

/** Our extension of the request, `signet`. */
export interface SignetOptions {
  readonly tier?: 'edge' | 'local' | 'pool';
  /** Server tools to offer: names of the registry, or all that policy allows. */
  readonly tools?: readonly string[] | 'auto';
  readonly max_steps?: number;
}

/** A validated request body of POST /v1/chat/completions; the edge's schema makes it, defaults not yet filled in. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ChatTool[];
  readonly tool_choice?:
    | 'none'
    | 'auto'
    | 'required'
    | { readonly type: 'function'; readonly function: { readonly name: string } };
  readonly parallel_tool_calls?: boolean;
  readonly response_format?: JsonObject;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly n?: number;
  readonly stop?: string | readonly string[];
  readonly seed?: number;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly signet?: SignetOptions;
  /** Accepted standard fields that are passed through or ignored (`user`, `metadata`, `logprobs`, …). */
  readonly extra?: { readonly [name: string]: Json };
}

export interface ChatChoice {
  readonly index: number;
  readonly message: {
    readonly role: 'assistant';
    readonly content: string | null;
    readonly refusal: string | null;
    readonly tool_calls?: readonly ToolCall[];
  };
  readonly logprobs: JsonObject | null;
  readonly finish_reason: FinishReason;
}

/** What POST /v1/chat/completions answers. */
export interface ChatCompletion {
  readonly id: string;
  readonly object: 'chat.completion';
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChatChoice[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
  };
}
