import type { Screening } from '../gates/screening.ts';
import type { JsonObject } from '../json.ts';
import { joinLogprobs, type Assembly } from './assemble-turn.ts';
import type { AnswerPiece, Ending } from './converse.ts';

type Pieces = AsyncGenerator<AnswerPiece, Ending, void>;
type ChoicePiece = Extract<AnswerPiece, { kind: 'choice' }>;

/**
 * The answer as the gates let it go: each text of it on its own, held back where a match may have begun. A match ends it
 * with an error, and what asked the model ends with it.
 */
export async function* screenPieces(pieces: Pieces, screening: Pick<Screening, 'pass' | 'end'>): Pieces {
  const pending = new Map<number, JsonObject>();
  try {
    for (;;) {
      const next = await pieces.next();
      if (next.done === true) {
        yield* rest(await screening.end(), pending);
        return next.value;
      }
      if (next.value.kind === 'comment') {
        yield next.value;
        continue;
      }
      const passed = await screened(next.value, screening, pending);
      if (passed !== undefined) yield passed;
    }
  } finally {
    await pieces.return(undefined as unknown as Ending);
  }
}

/** An answer that is shown when it is whole: its texts are looked at once each. Throws as `screenPieces` does. */
export async function screenWhole({ choices }: Assembly, screening: Pick<Screening, 'passWhole'>): Promise<void> {
  for (const { text, refusal, calls } of choices.values()) {
    for (const whole of [text, refusal, ...calls.map((call) => call.arguments)]) {
      if (whole !== '') await screening.passWhole(whole);
    }
  }
}

async function screened(
  piece: ChoicePiece,
  screening: Pick<Screening, 'pass'>,
  pending: Map<number, JsonObject>,
): Promise<ChoicePiece | undefined> {
  const { index, text, refusal, tool_calls } = piece;
  const passes = async (channel: string, given: string | undefined): Promise<string | undefined> => {
    if (given === undefined) return undefined;
    const passed = await screening.pass(channel, given);
    return passed === '' && given !== '' ? undefined : passed;
  };
  const passed_text = await passes(`${index} text`, text);
  const passed_refusal = await passes(`${index} refusal`, refusal);
  const passed_calls = [];
  for (const { arguments: given, ...call } of tool_calls ?? []) {
    const passed = await passes(`${index} call ${call.index}`, given);
    if (passed !== undefined || call.id !== undefined || given === undefined) {
      passed_calls.push(passed === undefined ? call : { ...call, arguments: passed });
    }
  }
  const logprobs = released(piece, passed_text, pending);
  const isEmpty =
    passed_text === undefined && passed_refusal === undefined && passed_calls.length === 0 && logprobs === undefined;
  if (isEmpty) return undefined;
  return {
    kind: 'choice',
    index,
    ...(passed_text === undefined ? {} : { text: passed_text }),
    ...(passed_refusal === undefined ? {} : { refusal: passed_refusal }),
    ...(passed_calls.length === 0 ? {} : { tool_calls: passed_calls }),
    ...(logprobs === undefined ? {} : { logprobs }),
  };
}

/** Log probabilities name the tokens of the text: they wait while any of it does. */
function released(
  { index, text, logprobs }: ChoicePiece,
  passed: string | undefined,
  pending: Map<number, JsonObject>,
): JsonObject | undefined {
  const joined = joinLogprobs(pending.get(index), logprobs);
  const isHeld = text !== undefined && (passed === undefined || !passed.endsWith(text));
  if (joined === undefined || !isHeld) {
    pending.delete(index);
    return joined;
  }
  pending.set(index, joined);
  return undefined;
}

/** What was still held when the answer ended. */
function* rest(
  ended: Awaited<ReturnType<Screening['end']>>,
  pending: ReadonlyMap<number, JsonObject>,
): Generator<AnswerPiece, void, void> {
  for (const { channel, text } of ended) {
    const [choice = '0', kind, call = '0'] = channel.split(' ');
    const index = Number(choice);
    if (kind === 'call') yield { kind: 'choice', index, tool_calls: [{ index: Number(call), arguments: text }] };
    else if (kind === 'refusal') yield { kind: 'choice', index, refusal: text };
    else yield { kind: 'choice', index, text };
  }
  for (const [index, logprobs] of pending) yield { kind: 'choice', index, logprobs };
}
