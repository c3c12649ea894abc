import type { ChatMessage, ChatTool, FinishReason } from '../chat/chat-types.ts';
import { messageText } from '../chat/message-text.ts';
import type { JsonObject } from '../json.ts';
import { answerQuestion } from './answer-question.ts';
import { countTokens } from './count-tokens.ts';
import { fillJson } from './fill-json.ts';
import { findToolCalls, type EdgeToolCall, type EdgeToolChoice } from './find-tool-calls.ts';
import { givenText } from './given-text.ts';
import { renderResults } from './render-results.ts';
import { summarise } from './summarise.ts';

export const edge_model_id = 'signet-edge-1';

/** What `signet-edge-1` says when it has nothing to say: what it is, and how to get a model. */
export const fixed_sentence =
  'I am signet-edge-1, a set of fixed rules and not a language model: I call tools that a message names with their ' +
  'arguments, fill JSON, and quote sentences of a given text. To talk to a model, set OPENAI_API_KEY, GROQ_API_KEY, ' +
  'OPENAI_BASE_URL or OLLAMA_HOST and start Signet again.';

export interface EdgeRequest {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ChatTool[];
  readonly tool_choice?: EdgeToolChoice;
  readonly parallel_tool_calls?: boolean;
  readonly response_format?: JsonObject;
  readonly max_tokens?: number;
  readonly stop?: readonly string[];
}

export type EdgeAnswer =
  | {
      readonly kind: 'answer';
      readonly text: string;
      readonly calls: readonly EdgeToolCall[];
      readonly finish_reason: FinishReason;
      readonly usage: { readonly in: number; readonly out: number };
    }
  | { readonly kind: 'impossible'; readonly detail: string };

/**
 * The built-in model: rules, no knowledge, no randomness, no I/O. The same request gives the same bytes.
 * The rules are tried in order: tool, results, JSON, summary, question; then one fixed sentence.
 * Time is linear in the text (times the number of tools).
 */
export function answerByRules(request: EdgeRequest): EdgeAnswer {
  const { text, since } = lastOfUser(request.messages);
  const usageOf = (answer: string) => ({ in: promptTokens(request), out: countTokens(answer) });

  const decision = findToolCalls({
    text,
    tools: request.tools,
    tool_choice: request.tool_choice ?? 'auto',
    parallel: request.parallel_tool_calls !== false,
    since,
  });
  if (decision.calls.length > 0) {
    const written = decision.calls.map((call) => call.name + call.arguments).join('');
    return { kind: 'answer', text: '', calls: decision.calls, finish_reason: 'tool_calls', usage: usageOf(written) };
  }

  const lines = [...decision.refusals, ...renderResults(since)];
  const body = answerText(request, text, decision.requests, lines);
  if (body.kind === 'impossible') return body;
  const cut = cutAnswer(body.text, request);
  return { kind: 'answer', text: cut.text, calls: [], finish_reason: cut.finish_reason, usage: usageOf(cut.text) };
}

function lastOfUser(messages: readonly ChatMessage[]): { text: string; since: readonly ChatMessage[] } {
  const index = messages.findLastIndex((message) => message.role === 'user');
  const message = messages[index];
  return { text: message === undefined ? '' : messageText(message), since: messages.slice(index + 1) };
}

/** All text of the prompt, tool definitions and earlier calls included. */
function promptTokens(request: EdgeRequest): number {
  let tokens = request.tools.length === 0 ? 0 : countTokens(JSON.stringify(request.tools));
  for (const message of request.messages) {
    tokens += countTokens(messageText(message));
    if (message.role === 'assistant' && message.tool_calls !== undefined) {
      tokens += countTokens(message.tool_calls.map((call) => call.function.name + call.function.arguments).join(''));
    }
  }
  return tokens;
}

function answerText(
  request: EdgeRequest,
  text: string,
  requests: readonly { at: number; end: number }[],
  lines: readonly string[],
): { kind: 'text'; text: string } | { kind: 'impossible'; detail: string } {
  const type = request.response_format?.['type'];
  if (request.response_format !== undefined && (type === 'json_object' || type === 'json_schema')) {
    // Lines of results would break the JSON, so they are pairs for its fields instead.
    const filled = fillJson([text, ...lines].join('\n'), request.response_format);
    return filled.kind === 'filled' ? { kind: 'text', text: filled.text } : filled;
  }
  const given = givenText(text, requests);
  const found = given.asksForSummary ? summarise(given.sentences) : answerQuestion(given.sentences, given.question);
  return { kind: 'text', text: [found ?? fixed_sentence, ...lines].join('\n') };
}

function cutAnswer(text: string, request: EdgeRequest): { text: string; finish_reason: FinishReason } {
  const stops = (request.stop ?? []).map((stop) => (stop === '' ? -1 : text.indexOf(stop))).filter((at) => at >= 0);
  const stopped = stops.length > 0 ? text.slice(0, Math.min(...stops)) : text;
  if (request.max_tokens === undefined || countTokens(stopped) <= request.max_tokens) {
    return { text: stopped, finish_reason: 'stop' };
  }
  return { text: cutToBytes(stopped, request.max_tokens * 4), finish_reason: 'length' };
}

/** At most `bytes` of UTF-8, cut between characters. */
function cutToBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  let end = Math.min(bytes, encoded.length);
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end--;
  return encoded.toString('utf8', 0, end);
}
