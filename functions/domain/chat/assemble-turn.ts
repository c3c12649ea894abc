import type { JsonObject } from '../json.ts';
import type { ProviderChunk, ToolCallDelta } from '../ports/provider.ts';
import type { FinishReason, ToolCall, Usage } from './chat-types.ts';

/** One choice of an answer, put together from its pieces. */
export interface AssembledChoice {
  text: string;
  refusal: string;
  readonly calls: { id: string; name: string; arguments: string }[];
  finish_reason: FinishReason | undefined;
  logprobs: JsonObject | undefined;
}

/** One answer of a model while it comes in. */
export interface Assembly {
  readonly choices: Map<number, AssembledChoice>;
  usage: Usage | undefined;
}

export function newAssembly(): Assembly {
  return { choices: new Map(), usage: undefined };
}

export function choiceOf(assembly: Assembly, index: number): AssembledChoice {
  let choice = assembly.choices.get(index);
  if (choice === undefined) {
    choice = { text: '', refusal: '', calls: [], finish_reason: undefined, logprobs: undefined };
    assembly.choices.set(index, choice);
  }
  return choice;
}

/** Adds a piece. Calls without an id get one from `newCallId`; the same id then stands in what is passed on. */
export function addPiece(
  assembly: Assembly,
  piece: ProviderChunk['choices'][number],
  newCallId: () => string,
): readonly ToolCallDelta[] | undefined {
  const choice = choiceOf(assembly, piece.index);
  choice.text += piece.text ?? '';
  choice.refusal += piece.refusal ?? '';
  choice.finish_reason = piece.finish_reason ?? choice.finish_reason;
  choice.logprobs = joinLogprobs(choice.logprobs, piece.logprobs);
  return piece.tool_calls?.map((delta) => addCall(choice, delta, newCallId));
}

export function toolCallsOf(choice: AssembledChoice): readonly ToolCall[] {
  return choice.calls
    .filter((call) => call.name !== '')
    .map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } }));
}

function addCall(choice: AssembledChoice, delta: ToolCallDelta, newCallId: () => string): ToolCallDelta {
  const index = Math.min(Math.max(delta.index, 0), choice.calls.length);
  const known = choice.calls[index];
  if (known === undefined) {
    const call = { id: delta.id ?? newCallId(), name: delta.name ?? '', arguments: delta.arguments ?? '' };
    choice.calls[index] = call;
    return { index, id: call.id, name: call.name, arguments: call.arguments };
  }
  known.name += known.name === '' ? (delta.name ?? '') : '';
  known.arguments += delta.arguments ?? '';
  return { index, ...(delta.arguments === undefined ? {} : { arguments: delta.arguments }) };
}

/** The lists of a stream's pieces, one after the other: what the whole answer would have had. */
export function joinLogprobs(known: JsonObject | undefined, piece: JsonObject | undefined): JsonObject | undefined {
  if (known === undefined || piece === undefined) return known ?? piece;
  const fields = [...new Set([...Object.keys(known), ...Object.keys(piece)])];
  return Object.fromEntries(
    fields.map((field) => {
      const [first, second] = [known[field], piece[field]];
      return [field, Array.isArray(first) && Array.isArray(second) ? [...first, ...second] : (first ?? second ?? null)];
    }),
  );
}
