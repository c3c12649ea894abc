import type { Call, Now } from '../call.ts';
import type { Json } from '../json.ts';
import type { ToolOutcome, Tools } from '../tools/tools.ts';
import type { ChatLimits } from './chat-limits.ts';
import type { ToolCall } from './chat-types.ts';

export interface ServerCallResult {
  readonly call: ToolCall;
  readonly outcome: ToolOutcome;
}

/**
 * Runs the server tools that one turn asks for, results in the order of the calls. They run beside each other if every
 * tool among them allows it. A failure is a result: it aborts no other call.
 */
export async function runServerCalls({
  call,
  calls,
  tools,
  seen,
  limits,
  time_left_ms,
  now,
}: {
  call: Call;
  calls: readonly ToolCall[];
  tools: Tools;
  /** How often each call was made in this conversation's turn; grows. */
  seen: Map<string, number>;
  limits: ChatLimits['chat'];
  time_left_ms: number;
  now: Now;
}): Promise<readonly ServerCallResult[]> {
  const width = (await allowParallel(call, calls, tools)) ? limits.parallel_tools_max : 1;
  const started = now();
  const results: ServerCallResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < calls.length; index = next++) {
      const asked = calls[index];
      if (asked === undefined) return;
      const deadline_ms = Math.min(limits.tool_ms_max, time_left_ms - (now() - started));
      results[index] = { call: asked, outcome: await runOne(asked, index, deadline_ms) };
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, calls.length) }, work));
  return results;

  async function runOne(asked: ToolCall, index: number, deadline_ms: number): Promise<ToolOutcome> {
    if (index >= limits.calls_per_step_max) {
      return refused(`at most ${limits.calls_per_step_max} calls in one turn`);
    }
    const identity = identityOf(asked);
    const times = (seen.get(identity) ?? 0) + 1;
    seen.set(identity, times);
    if (times > 2) return refused('the same call with the same arguments was made twice before');
    if (deadline_ms <= 0) return refused('no time is left for tools');
    const name = tools.nameFromModel(asked.function.name);
    return tools.invoke(call, { name, arguments_json: asked.function.arguments, deadline_ms: Math.ceil(deadline_ms) });
  }
}

/** Equal for equal calls, however the JSON text of the arguments was spaced. */
export function identityOf({ function: { name, arguments: text } }: ToolCall): string {
  try {
    return JSON.stringify([name, JSON.parse(text)]);
  } catch {
    return JSON.stringify([name, text]);
  }
}

/** The arguments as the model meant them, or its text where that is no JSON. */
export function argumentsOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** What a model reads of an outcome: JSON, so that a result is data in quotation and not words of the conversation. */
export function resultText(outcome: ToolOutcome): string {
  if (outcome.kind === 'failure') return JSON.stringify({ error: outcome.error });
  return JSON.stringify(outcome.truncated ? { truncated: true, value: outcome.value } : outcome.value);
}

async function allowParallel(call: Call, calls: readonly ToolCall[], tools: Tools): Promise<boolean> {
  if (calls.length < 2) return false;
  const names = new Set(calls.map((asked) => tools.nameFromModel(asked.function.name)));
  const manifests = await Promise.allSettled([...names].map((name) => tools.get(call, name)));
  // A tool that does not exist runs nothing, so it may stand beside any.
  return manifests.every((answer) => answer.status === 'rejected' || answer.value.allow_parallel);
}

function refused(message: string): ToolOutcome {
  return { kind: 'failure', error: { type: 'limit_exceeded', message } };
}
