import type { ChatMessage, ChatTool } from '../chat/chat-types.ts';
import type { JsonObject } from '../json.ts';
import { coerceArguments } from './coerce-arguments.ts';
import { findMention, isNamed, type Mention } from './find-mention.ts';
import { findPairs } from './find-pairs.ts';
import { propertiesOf } from './schema-parts.ts';

export type EdgeToolChoice = 'none' | 'auto' | 'required' | { readonly name: string };

export interface EdgeToolCall {
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

export interface ToolDecision {
  readonly calls: readonly EdgeToolCall[];
  /** One line for each tool that was asked for without what it requires. */
  readonly refusals: readonly string[];
  /** Where the requests stand in the text: they ask, they are not what is asked about. */
  readonly requests: readonly { readonly at: number; readonly end: number }[];
}

/**
 * Rule 1: a listed tool is named in the last user message, or forced, and arguments follow. One call for each tool, in
 * the order of the text; a call that already has a result since that message is not repeated.
 */
export function findToolCalls(request: {
  text: string;
  tools: readonly ChatTool[];
  tool_choice: EdgeToolChoice;
  parallel: boolean;
  /** Messages after the last one of the user. */
  since: readonly ChatMessage[];
}): ToolDecision {
  const mentions = request.tools
    .flatMap((tool) => {
      const mention = findMention(request.text, tool.function.name);
      return mention === undefined ? [] : [{ tool, mention }];
    })
    .sort((a, b) => a.mention.at - b.mention.at);
  const requests = mentions.map(({ mention }) => ({ at: mention.at, end: mention.end }));
  if (request.tool_choice === 'none') return { calls: [], refusals: [], requests };

  const answered = answeredCalls(request.since);
  const { forced, asked } = whichTools(request, mentions);
  const calls: EdgeToolCall[] = [];
  const refusals: string[] = [];
  for (const { tool, mention } of asked) {
    const { name, parameters = {} } = tool.function;
    const pairs = mention?.pairs ?? findPairs(request.text, Object.keys(propertiesOf(parameters)));
    const { arguments: args, missing } = coerceArguments(pairs, parameters);
    const call = { name, arguments: JSON.stringify(args) };
    if (missing.length > 0 && !forced) {
      refusals.push(`${name} was not called: it needs ${missing.map((field) => `\`${field}\``).join(', ')}`);
    } else if (!answered.has(identity(call)) && !(forced && answered.has(name))) {
      calls.push(call);
    }
  }
  return { calls: request.parallel ? calls : calls.slice(0, 1), refusals, requests };
}

interface Asked {
  readonly tool: ChatTool;
  readonly mention: Mention | undefined;
}

function whichTools(
  request: { text: string; tools: readonly ChatTool[]; tool_choice: EdgeToolChoice },
  mentions: readonly Asked[],
): { forced: boolean; asked: readonly Asked[] } {
  const choice = request.tool_choice;
  if (typeof choice === 'object') {
    const tool = request.tools.find((candidate) => candidate.function.name === choice.name);
    if (tool === undefined) return { forced: false, asked: [] };
    return { forced: true, asked: [{ tool, mention: mentions.find((asked) => asked.tool === tool)?.mention }] };
  }
  if (choice === 'required' && mentions.length === 0) {
    const tool = request.tools.find(({ function: { name } }) => isNamed(request.text, name)) ?? request.tools[0];
    return { forced: true, asked: tool === undefined ? [] : [{ tool, mention: undefined }] };
  }
  return { forced: choice === 'required', asked: mentions };
}

/** Names, and names with arguments, of the calls that have a result. */
function answeredCalls(since: readonly ChatMessage[]): ReadonlySet<string> {
  const results = new Set(since.flatMap((message) => (message.role === 'tool' ? [message.tool_call_id] : [])));
  const answered = new Set<string>();
  for (const message of since) {
    if (message.role !== 'assistant') continue;
    for (const call of message.tool_calls ?? []) {
      if (!results.has(call.id)) continue;
      answered.add(call.function.name);
      answered.add(identity(call.function));
    }
  }
  return answered;
}

/** Equal for equal calls, however the JSON text of the arguments was spaced. */
function identity(call: EdgeToolCall): string {
  try {
    return JSON.stringify([call.name, JSON.parse(call.arguments) as JsonObject]);
  } catch {
    return JSON.stringify([call.name, call.arguments]);
  }
}
