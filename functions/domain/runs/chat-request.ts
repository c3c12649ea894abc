import { Buffer } from 'node:buffer';
import type { ChatMessage, ChatRequest, ChatTool } from '../chat/chat-types.ts';
import type { LlmChat, ScriptTool } from './call-arguments.ts';
import { ScriptCallRefusal, toolRefusal } from './call-error.ts';
import type { Limits } from './clamp-limits.ts';
import { isJsonObject, type RunRow } from './run-row.ts';

/** The chat that a script's `llm.chat` asks for, as any client of the API would send it. */
export function chatRequest(
  run: RunRow,
  args: LlmChat,
  script_tools: readonly ScriptTool[],
  limits: Limits,
): ChatRequest {
  for (const tool of script_tools) {
    const bytes = Buffer.byteLength(JSON.stringify(tool.parameters), 'utf8');
    if (bytes <= limits.runs.tool_schema_bytes_max) continue;
    throw new ScriptCallRefusal({
      type: 'InvalidArguments',
      code: 'invalid_request',
      message: `expected the schema of \`${tool.name}\` within ${limits.runs.tool_schema_bytes_max} bytes, got ${bytes}`,
    });
  }
  const messages: ChatMessage[] = [
    ...(typeof args.system === 'string' ? [{ role: 'system' as const, content: args.system }] : []),
    ...((args.messages ?? []) as readonly ChatMessage[]),
    ...(typeof args.prompt === 'string' ? [{ role: 'user' as const, content: args.prompt }] : []),
  ];
  if (messages.length === 0) {
    throw new ScriptCallRefusal({
      type: 'LLMError',
      code: 'invalid_request',
      message: 'expected a prompt or messages',
    });
  }
  const tier = args.tier ?? run.tier;
  const server_tools = serverTools(run, args, script_tools);
  return {
    model: args.model ?? run.model ?? 'auto',
    messages,
    ...(script_tools.length === 0 ? {} : { tools: script_tools.map(chatTool) }),
    ...(args.tool_choice === undefined || args.tool_choice === null
      ? {}
      : { tool_choice: toolChoice(args.tool_choice) }),
    ...(args.response_format ? { response_format: args.response_format } : {}),
    ...(typeof args.max_tokens === 'number' ? { max_tokens: args.max_tokens } : {}),
    ...(typeof args.temperature === 'number' ? { temperature: args.temperature } : {}),
    ...(args.stop ? { stop: args.stop } : {}),
    ...(typeof args.seed === 'number' ? { seed: args.seed } : {}),
    ...(tier === undefined && server_tools === undefined
      ? {}
      : {
          signet: {
            ...(tier === undefined ? {} : { tier }),
            ...(server_tools === undefined ? {} : { tools: server_tools }),
          },
        }),
  };
}

/** The script's own tools that this chat may use. */
export function chosenScriptTools(args: LlmChat): readonly ScriptTool[] {
  const { tools } = args;
  if (tools === false) return [];
  return Array.isArray(tools) ? args.script_tools.filter(({ name }) => tools.includes(name)) : args.script_tools;
}

/** Models take no dot in a function's name. */
export function modelName(name: string): string {
  return name.replaceAll('.', '__');
}

/** Registry tools to offer: the run's; names narrow them. Without the run's, only those that the script names. */
function serverTools(
  run: RunRow,
  { tools }: LlmChat,
  script_tools: readonly ScriptTool[],
): readonly string[] | 'auto' | undefined {
  if (tools === false) return undefined;
  if (!Array.isArray(tools)) return run.tools;
  const named = tools.filter((name) => !script_tools.some((tool) => tool.name === name));
  const missing = Array.isArray(run.tools) ? named.find((name) => !run.tools?.includes(name)) : undefined;
  if (missing !== undefined)
    throw toolRefusal({ type: 'tool_not_found', message: `this run has no tool \`${missing}\`` });
  return named.length === 0 ? undefined : named;
}

function toolChoice(
  choice: Exclude<LlmChat['tool_choice'], undefined | null>,
): NonNullable<ChatRequest['tool_choice']> {
  if (choice === 'none' || choice === 'auto' || choice === 'required') return choice;
  const named =
    typeof choice === 'string' ? choice : isJsonObject(choice['function']) ? choice['function']['name'] : undefined;
  if (typeof named === 'string') return { type: 'function', function: { name: modelName(named) } };
  throw new ScriptCallRefusal({
    type: 'LLMError',
    code: 'invalid_request',
    message: 'expected `tool_choice` none, auto, required or the name of a tool',
  });
}

function chatTool(tool: ScriptTool): ChatTool {
  const { description, parameters } = tool;
  return {
    type: 'function',
    function: { name: modelName(tool.name), ...(description === '' ? {} : { description }), parameters },
  };
}
