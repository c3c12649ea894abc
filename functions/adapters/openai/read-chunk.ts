import type { FinishReason, Usage } from '../../domain/chat/chat-types.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ProviderChunk, ToolCallDelta } from '../../domain/ports/provider.ts';

type Choice = ProviderChunk['choices'][number];

/**
 * A chunk of the stream, or a whole completion (`part` says where its text stands), as the port has it. Servers leave
 * out, repeat and add fields: what has the wrong type is absent, what is unknown is dropped.
 * Undefined: not a chunk at all.
 */
export function readChunk(value: unknown, part: 'delta' | 'message'): ProviderChunk | undefined {
  if (!isRecord(value) || !(Array.isArray(value['choices']) || isRecord(value['usage']))) return undefined;
  const rows: readonly unknown[] = Array.isArray(value['choices']) ? value['choices'] : [];
  const usage = readUsage(value['usage']);
  return {
    choices: rows.flatMap((row, position) => (isRecord(row) ? [readChoice(row, position, part)] : [])),
    ...(usage === undefined ? {} : { usage }),
  };
}

function readChoice(row: Fields, position: number, part: 'delta' | 'message'): Choice {
  const delta = isRecord(row[part]) ? row[part] : {};
  const { content, refusal } = delta;
  const calls = readCalls(delta['tool_calls']);
  const finish_reason = readFinish(row['finish_reason']);
  return {
    index: typeof row['index'] === 'number' ? row['index'] : position,
    ...(typeof content === 'string' && content !== '' ? { text: content } : {}),
    ...(typeof refusal === 'string' && refusal !== '' ? { refusal } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
    ...(finish_reason === undefined ? {} : { finish_reason }),
    ...(isRecord(row['logprobs']) ? { logprobs: row['logprobs'] as JsonObject } : {}),
  };
}

function readCalls(rows: unknown): readonly ToolCallDelta[] {
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: unknown, position): ToolCallDelta[] => {
    if (!isRecord(row)) return [];
    const { name, arguments: text } = isRecord(row['function']) ? row['function'] : {};
    const id = row['id'];
    return [
      {
        index: typeof row['index'] === 'number' ? row['index'] : position,
        ...(typeof id === 'string' && id !== '' ? { id } : {}),
        ...(typeof name === 'string' && name !== '' ? { name } : {}),
        ...(argumentsText(text) === undefined ? {} : { arguments: argumentsText(text) ?? '' }),
      },
    ];
  });
}

/** Some servers give the arguments as an object where the protocol has text. */
function argumentsText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return isRecord(value) ? JSON.stringify(value) : undefined;
}

function readFinish(value: unknown): FinishReason | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return finishes.get(value) ?? 'stop';
}

const finishes: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
]);

function readUsage(value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined;
  const prompt = count(value['prompt_tokens']);
  const completion = count(value['completion_tokens']);
  if (prompt === undefined || completion === undefined) return undefined;
  const cached = isRecord(value['prompt_tokens_details'])
    ? count(value['prompt_tokens_details']['cached_tokens'])
    : undefined;
  const reasoning = isRecord(value['completion_tokens_details'])
    ? count(value['completion_tokens_details']['reasoning_tokens'])
    : undefined;
  return {
    in: prompt,
    out: completion,
    ...(cached === undefined ? {} : { cached_in: cached }),
    ...(reasoning === undefined ? {} : { reasoning }),
  };
}

type Fields = { readonly [field: string]: unknown };

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
