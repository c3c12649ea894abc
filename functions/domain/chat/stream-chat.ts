import type { Call } from '../call.ts';
import { decisionFailure } from '../decisions/decision-failure.ts';
import type { OpenDecision } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import { addPiece, newAssembly } from './assemble-turn.ts';
import type { ChatRequest } from './chat-types.ts';
import type { ChatStreamEvent, StreamedChat } from './chat.ts';
import { completionOf, outcomeOf, routed, wireUsage } from './complete-chat.ts';
import { completionId } from './completion-id.ts';
import { converse, type AnswerPiece, type Ending } from './converse.ts';
import { chunkEncoder } from './encode-chunk.ts';
import { prepareChat, type ChatParts, type PreparedChat } from './prepare-chat.ts';

/** The head of the answer goes out after this long even if the model is still silent. */
const first_piece_ms = 5000;

/** A chat whose answer comes in pieces: the decision is recorded before the first goes out, the outcome before the end. */
export async function streamChat(parts: ChatParts, call: Call, request: ChatRequest): Promise<StreamedChat> {
  const prepared = await prepareChat(parts, call, { ...request, stream: true });
  const reader = new AbortController();
  const signal = AbortSignal.any([call.signal, reader.signal]);
  const pieces = converse({ ...prepared.conversation, signal });
  const { decision, first } = await openWhileAsking(parts, { call, prepared, pieces, reader });
  try {
    await settledOrLate(first, first_piece_ms);
  } catch (thrown) {
    const error = decisionFailure(thrown, { signal });
    error.receipt = await decision.fail(error);
    throw error;
  }
  const stream = { parts, request, prepared, decision, signal, pieces, first };
  return {
    receipt: decision.receipt,
    ...routed(prepared),
    events: readableOnce(stream, reader),
  };
}

type Pieces = AsyncGenerator<AnswerPiece, Ending, void>;

/**
 * The model is asked while the decision is being stored: only the first byte has to wait for both. No tool can run in the
 * meantime, because a step of tools is told of by a piece before it begins, and the second piece is not asked for here.
 */
async function openWhileAsking(
  parts: ChatParts,
  request: { call: Call; prepared: PreparedChat; pieces: Pieces; reader: AbortController },
): Promise<{ decision: OpenDecision; first: ReturnType<Pieces['next']> }> {
  const { call, prepared, pieces, reader } = request;
  let first: ReturnType<Pieces['next']> | undefined;
  const begin = (): void => {
    first = pieces.next();
    // Read when the decision is stored; until then a failure is not an unhandled one.
    first.catch(() => undefined);
  };
  try {
    const decision = await parts.judge.open(call, prepared.judgement, begin);
    return { decision, first: first ?? pieces.next() };
  } catch (thrown) {
    reader.abort(new Error('the decision was not stored', { cause: thrown }));
    throw thrown;
  }
}

interface OpenStream {
  readonly parts: ChatParts;
  readonly request: ChatRequest;
  readonly prepared: PreparedChat;
  readonly decision: OpenDecision;
  readonly signal: AbortSignal;
  readonly pieces: Pieces;
  readonly first: ReturnType<Pieces['next']>;
}

/**
 * The events, to be read once. An async generator alone would not do: its `return` waits for the `next` that is under
 * way, so a reader that leaves while the model is silent would leave the model running.
 */
function readableOnce(stream: OpenStream, reader: AbortController): AsyncIterable<ChatStreamEvent> {
  const state = { isRecorded: false };
  const events = eventsOf(stream, state);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => events.next(),
      async return() {
        if (!state.isRecorded) {
          const gone = new SignetError({
            code: 'client_closed',
            detail: 'the client closed the stream before its end',
          });
          reader.abort(gone);
          // The first piece may have been asked for without anyone who waits for it.
          await Promise.allSettled([stream.first, events.return()]);
          await stream.pieces.return(undefined as unknown as Ending).catch(() => undefined);
          if (!state.isRecorded) {
            state.isRecorded = true;
            await stream.decision.fail(gone);
          }
        }
        return { done: true, value: undefined };
      },
    }),
  };
}

async function* eventsOf(
  { parts, request, prepared, decision, signal, pieces, first }: OpenStream,
  state: { isRecorded: boolean },
): AsyncGenerator<ChatStreamEvent, void, void> {
  const { inUse, newCallId } = prepared.conversation;
  const includes_usage = request.stream_options?.include_usage === true;
  const head = { id: completionId(parts.newId), created: Math.floor(parts.now() / 1000) };
  const encode = chunkEncoder({ ...head, includes_usage });
  const assembly = newAssembly();
  try {
    let next = await first;
    for (; next.done !== true; next = await pieces.next()) {
      const piece = next.value;
      if (piece.kind === 'comment') {
        yield { kind: 'comment', text: piece.text };
      } else {
        addPiece(assembly, piece, newCallId);
        yield { kind: 'chunk', chunk: encode.piece(inUse.model.id, piece) };
      }
    }
    const ending = next.value;
    const model = inUse.model.id;
    for (const [index, finish_reason] of ending.finish_reasons) {
      yield { kind: 'chunk', chunk: encode.finish(model, index, finish_reason) };
    }
    const completion = completionOf({ ...head, model }, assembly, ending);
    if (includes_usage) yield { kind: 'chunk', chunk: encode.usage(model, wireUsage(ending.usage)) };
    state.isRecorded = true;
    const receipt = await decision.succeed(outcomeOf(prepared, ending, completion));
    if (ending.stop !== undefined) yield { kind: 'comment', text: `signet-stop ${ending.stop}` };
    yield { kind: 'comment', text: `signet-receipt ${receipt}` };
  } catch (thrown) {
    const error = decisionFailure(thrown, { signal });
    if (!state.isRecorded) {
      state.isRecorded = true;
      error.receipt = await decision.fail(error);
    }
    throw error;
  }
}

/** Resolves when `work` has settled or `ms` are over; rejects with it only if that comes first. */
async function settledOrLate(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    // Read later by the events; until then a failure is not an unhandled one.
    work.catch(() => undefined);
  }
}
