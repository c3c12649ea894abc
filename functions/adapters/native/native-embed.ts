import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { precisionOf, readModelFacts, type ModelFacts } from '../../domain/models/model-facts.ts';
import { ComputeRefusedError, type EmbedCompute, type Precision } from '../../domain/ports/compute.ts';
import type { JsonObject } from '../../domain/json.ts';
import { loadAddon } from './load-addon.ts';

export interface NativeEmbed extends EmbedCompute {
  /** `default_precision` is the one that was asked for at the opening, else the model's own. */
  readonly model: ModelFacts;
  /** ONNX Runtime's description of its build. */
  readonly runtime_build: string;
  /** Refuses new requests and waits for those that run. */
  close(): Promise<void>;
}

/**
 * Opens a built model folder (`model.json`, graphs, tokenizer) in process: its default precision at once, another when it
 * is first asked for, since each takes memory of its own. Throws with the reason when the addon, ONNX Runtime or the model
 * cannot be used.
 */
export async function openNativeEmbed(request: {
  addon_path: string;
  ort_lib_path: string;
  model_dir: string;
  precision?: Precision;
}): Promise<NativeEmbed> {
  const { addon_path, ort_lib_path, model_dir } = request;
  const facts = readModelFacts(await readFile(join(model_dir, 'model.json'), 'utf8'));
  const model = { ...facts, default_precision: request.precision ?? facts.default_precision };
  const addon = loadAddon<EmbedAddon>(addon_path, ['EmbedEngine', 'CancelFlag']);
  const open = (precision: Precision): Promise<EmbedEngine> =>
    addon.EmbedEngine.open({
      ortLibPath: ort_lib_path,
      modelPath: join(model_dir, precisionOf(model, precision).file),
      tokenizerPath: join(model_dir, 'tokenizer.json'),
      dimension: model.dimension,
      maxTokens: model.max_tokens,
      pooling: model.pooling,
      normalize: model.normalize,
      prefixes: model.prefixes,
      output: model.output,
    });
  const engines = new Map<Precision, Promise<EmbedEngine>>();
  const engineOf = (precision: Precision): Promise<EmbedEngine> => {
    const opened = engines.get(precision) ?? open(precision);
    engines.set(precision, opened);
    // What could not be opened may be repaired and tried again.
    opened.catch(() => engines.delete(precision));
    return opened;
  };
  const { runtime_build } = await engineOf(model.default_precision);
  const turns = takeTurns(parallel_max);
  let is_closed = false;

  return {
    model,
    runtime_build,
    async embed({ model: asked, precision = model.default_precision, texts, input_type, truncate, signal }) {
      if (is_closed) throw new Error('the embedding engine is closed');
      if (asked !== model.id) throw new Error(`this engine holds \`${model.id}\`, not \`${asked}\``);
      signal?.throwIfAborted();
      const engine = await engineOf(precision);
      const reply = await turns.take(signal, () => {
        const flag = new addon.CancelFlag();
        const cancel = (): void => flag.cancel();
        signal?.addEventListener('abort', cancel, { once: true });
        return engine
          .embed([...texts], input_type, truncate, flag)
          .finally(() => signal?.removeEventListener('abort', cancel));
      });
      if ('code' in reply) throw refusal(reply, signal);
      return { ...reply, dimension: model.dimension };
    },
    async close() {
      is_closed = true;
      await turns.idle();
    },
  };
}

/**
 * Requests inside the addon at once. Each holds one of libuv's four threads, which files and DNS need too; the engine
 * runs a batch on each processor, so a second request tokenises meanwhile and a third would only wait.
 */
const parallel_max = 2;

interface EmbedAddon {
  readonly EmbedEngine: { open(options: object): Promise<EmbedEngine> };
  readonly CancelFlag: new () => CancelFlag;
}

interface CancelFlag {
  cancel(): void;
}

interface EmbedEngine {
  readonly runtime_build: string;
  embed(texts: string[], input_type: string, truncate: string, flag: CancelFlag): Promise<EmbedReply>;
}

type EmbedReply =
  | { readonly vectors: Float32Array; readonly tokens: Uint32Array; readonly truncated: readonly number[] }
  | EmbedFailure;

interface EmbedFailure {
  readonly code: string;
  readonly message: string;
  readonly index?: number;
  readonly tokens?: number;
  readonly max?: number;
}

function refusal(failure: EmbedFailure, signal: AbortSignal | undefined): unknown {
  const { code, message, index, tokens, max } = failure;
  if (code === 'cancelled') return signal?.reason ?? new Error(message);
  if (code !== 'empty_text' && code !== 'input_too_long') return new Error(`embedding failed: ${message}`);
  const facts: JsonObject = tokens === undefined || max === undefined ? {} : { tokens, max };
  return new ComputeRefusedError({ code, message, facts, ...(index === undefined ? {} : { index }) });
}

/** At most `parallel` works at once, the others in the order they came; one that is aborted while it waits leaves. */
function takeTurns(parallel: number) {
  const waiting: (() => void)[] = [];
  const idlers: (() => void)[] = [];
  let running = 0;
  const next = (): void => {
    running -= 1;
    waiting.shift()?.();
    if (running === 0) for (const resolve of idlers.splice(0)) resolve();
  };
  const turn = (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (running < parallel) {
      running += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal?.removeEventListener('abort', leave);
        running += 1;
        resolve();
      };
      const leave = (): void => {
        waiting.splice(waiting.indexOf(begin), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      waiting.push(begin);
    });
  };
  return {
    async take<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
      await turn(signal);
      try {
        // Between the turn and this line an abort may have come, whose event nobody would hear any more.
        signal?.throwIfAborted();
        return await work();
      } finally {
        next();
      }
    },
    idle: (): Promise<void> => (running === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
  };
}
