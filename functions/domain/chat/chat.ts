import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { Json } from '../json.ts';
import type { ToolOutcome } from '../tools/tools.ts';
import type { ModelInfo, Tier } from '../ports/provider.ts';
import type { Route, RouteCandidate } from '../routing/route.ts';
import type { ChatCompletion, ChatRequest } from './chat-types.ts';

/** A server tool that the model called, and how that ended. */
export interface ServerToolCall {
  /** As the registry has it. */
  readonly name: string;
  /** The model's arguments; its text where that is no JSON. */
  readonly args: Json;
  readonly outcome: ToolOutcome;
}

export interface CompletedChat extends Judged<ChatCompletion>, RoutedChat {
  /** Why a tool loop ended early: the header `signet-stop`. */
  readonly stop?: 'max_steps' | 'max_calls' | 'wall' | 'tokens' | 'tool_time';
  /** In the order of the calls; absent when no server tool was called. */
  readonly server_calls?: readonly ServerToolCall[];
}

/** A server-sent event before encoding: a chunk object of the OpenAI stream, or a comment line. */
export type ChatStreamEvent =
  | { readonly kind: 'chunk'; readonly chunk: object }
  | { readonly kind: 'comment'; readonly text: string };

/** Which model answers, and why. */
export interface RoutedChat {
  /** `provider/model`; the header `signet-route`. */
  readonly route: string;
  readonly tier: Tier;
  /** All that were looked at; those that were dropped say why. */
  readonly candidates: readonly RouteCandidate[];
}

export interface StreamedChat extends RoutedChat {
  /** Receipt of the decision; that of the outcome comes as the comment `signet-receipt <id>` before the end. */
  readonly receipt: string;
  /** Ends normally where `[DONE]` is due; throws `SignetError` where `data: {"error": …}` and no `[DONE]` are. */
  readonly events: AsyncIterable<ChatStreamEvent>;
}

export interface Chat {
  complete(call: Call, request: ChatRequest): Promise<CompletedChat>;
  /** Resolves at the first upstream piece or after five seconds, whichever is first; errors before that reject. */
  stream(call: Call, request: ChatRequest): Promise<StreamedChat>;
  /** Models that chat, provider by provider: all that are there, each with whether this caller may use it. */
  models(call: Call): Promise<readonly OfferedModel[]>;
  /**
   * The route that such a request would take now, and nothing more: no decision, no receipt. `tiers` is the order of
   * preference in place of the configured one. Fallbacks are those that this caller may use.
   */
  routeOf(call: Call, request: ChatRequest, tiers?: readonly Tier[]): Promise<Route>;
}

export interface OfferedModel extends ModelInfo {
  readonly permitted: boolean;
}
