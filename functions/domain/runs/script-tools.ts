import type { Call } from '../call.ts';
import type { ToolCall } from '../chat/chat-types.ts';
import type { Judge } from '../decisions/judge.ts';
import { isSignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { compileSchema } from '../tools/compile-schema.ts';
import type { ToolErrorType, ToolManifest } from '../tools/tools.ts';
import type { ScriptTool, ToolResult } from './call-arguments.ts';
import { isJsonObject } from './run-row.ts';
import type { Tally } from './tally.ts';

/** Undefined when policy lets it; else the refusal, recorded. */
export async function refusedByPolicy({
  judge,
  call,
  tool,
  args,
  asked_by,
  tally,
}: {
  judge: Judge;
  call: Call;
  tool: ScriptTool;
  args: JsonObject;
  asked_by: 'model' | 'caller';
  tally: Tally;
}): Promise<{ message: string; receipt?: string } | undefined> {
  const judgement = scriptToolJudgement(tool, args, asked_by);
  if (judge.permits(call, judgement)) return undefined;
  try {
    const judged = await judge.decide(call, judgement, async () => ({ value: null, outcome: {} }));
    tally.receipts.push(judged.receipt);
    return undefined;
  } catch (error) {
    if (!isSignetError(error) || error.code !== 'policy_denied') throw error;
    if (error.receipt !== undefined) tally.receipts.push(error.receipt);
    return { message: error.public.detail, ...(error.receipt === undefined ? {} : { receipt: error.receipt }) };
  }
}

/** Judged and recorded when the guest has run it, so that one statement says what was asked and how it ended. */
export async function settleScriptTool({
  judge,
  call,
  tool_name,
  pending,
  result,
  tally,
}: {
  judge: Judge;
  call: Call;
  tool_name: string;
  pending: {
    readonly script_tools: readonly ScriptTool[];
    readonly args?: JsonObject;
    readonly queue?: readonly ToolCall[];
  };
  result: ToolResult;
  tally: Tally;
}): Promise<ToolResult> {
  const tool = pending.script_tools.find((known) => known.name === tool_name);
  if (tool === undefined) throw new Error('a waiting call names no tool of its script');
  const args = pending.args ?? parsedArguments(pending.queue?.[0]?.function.arguments ?? '{}') ?? {};
  const asked_by = pending.queue === undefined ? 'caller' : 'model';
  const judged = await judge.decide(call, scriptToolJudgement(tool, args, asked_by), async () => ({
    value: null,
    outcome: {
      finish: result.ok ? 'result' : 'execution_error',
      response: result.ok ? result.value : { error: result.error },
    },
  }));
  tally.receipts.push(judged.receipt);
  const { call_id } = result;
  const shown = result.ok ? { ok: true, value: cutResult(result.value).value } : { ok: false, error: result.error };
  tally.events.push({ event: 'tool_result', data: { call_id, name: tool.name, ...shown } });
  return result;
}

/** How a tool of the script ended, from the class of its exception: what a model (or `call_tool`) is told. */
export function toolFailure({ type, message }: { type: string; message: string }): {
  type: ToolErrorType;
  message: string;
} {
  if (type === 'ToolTimeout' || type === 'TimeoutError') return { type: 'timeout', message };
  if (type === 'InvalidArguments') return { type: 'invalid_arguments', message };
  if (type === 'LimitExceeded') return { type: 'limit_exceeded', message };
  return { type: 'execution_error', message: `${type}: ${message}` };
}

/** What is wrong with arguments by the tool's schema, in words; empty if nothing is. */
export function argumentFaults(tool: ScriptTool, args: JsonObject): readonly string[] {
  const compiled = compileSchema(tool.parameters);
  return compiled.kind === 'refused' ? [`the schema of \`${tool.name}\`: ${compiled.reason}`] : compiled.validate(args);
}

/** A script's own `@tool`, put into the registry: the same thing under the same name, so it shadows nothing. */
export function isOfScript({ target }: ToolManifest, script_digest: string): boolean {
  return target.kind === 'script' && target.digest === script_digest;
}

const result_units_max = 65_536;

/** A value as the text that a model reads: all of it, or its start and a mark. */
export function cutResult(value: Json, units_max = result_units_max): { text: string; value: Json } {
  const text = JSON.stringify(value);
  if (text.length <= units_max) return { text, value };
  const short = `${text.slice(0, units_max).toWellFormed()}… (cut)`;
  return { text: short, value: short };
}

/** A call as the events of its run tell it. An event is one row: of long arguments it has the start. */
export function toolCallEvent(call_id: string, name: string, args: Json): { event: 'tool_call'; data: JsonObject } {
  return { event: 'tool_call', data: { call_id, name, args: cutResult(args).value } };
}

/** A model's arguments as an object; undefined when they are none. */
export function parsedArguments(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function scriptToolJudgement(tool: ScriptTool, args: JsonObject, asked_by: 'model' | 'caller') {
  return {
    action: 'callTool' as const,
    resource: { type: 'Tool', id: `script:${tool.name}` },
    facts: { side_effects: tool.side_effects, target: 'script', asked_by },
    request: { name: tool.name, arguments: args },
  };
}
