import { createHash } from 'node:crypto';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Now } from '../call.ts';
import type { Judge, Judgement } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { ModelRegistry, RegistryModel } from '../models/registry.ts';
import type { EmbedCompute, Precision } from '../ports/compute.ts';
import { cutVector } from './cut-vector.ts';
import { embedInParts } from './embed-in-parts.ts';
import { emptyText } from './empty-text.ts';
import type { Embedded, Embeddings, EmbedRequest } from './embeddings.ts';
import { vectorCache, type CachedVector, type VectorCache } from './vector-cache.ts';

/** A model that can be opened here. */
export interface InstalledModel {
  readonly id: string;
  /** SHA-256 of its weights. */
  readonly weights_sha256: string;
  readonly precisions: readonly Precision[];
  readonly default_precision: Precision;
}

/** `compute` throws `CapabilityUnavailableError` while nothing embeds; both it and `installed` are asked per request. */
export function makeEmbeddings(parts: {
  registry: ModelRegistry;
  compute: () => EmbedCompute;
  installed: () => readonly InstalledModel[] | Promise<readonly InstalledModel[]>;
  /** What serves now: `native`, `lambda`. */
  served_by: () => string;
  judge: Judge;
  now: Now;
}): Embeddings {
  const { registry, judge } = parts;
  const cache = vectorCache({ now: parts.now });

  const serve = async (request: EmbedRequest, model: RegistryModel, signal: AbortSignal, tenant?: string) => {
    const installed = (await parts.installed()).find(({ id }) => id === model.id);
    // The default model is built by the node itself: until then the capability is missing, not the user's command.
    if (installed === undefined && model.id !== registry.default.id) throw notInstalled(model);
    const compute = parts.compute();
    if (installed === undefined) throw notInstalled(model);
    const precision = request.precision ?? installed.default_precision;
    if (!installed.precisions.includes(precision)) {
      throw tenant === undefined ? mismatch(model, precision) : notInPrecision(model, precision);
    }
    const dimensions = request.dimensions ?? model.dimension;
    const key = (text: string) => [
      tenant ?? '',
      installed.weights_sha256,
      precision,
      request.input_type,
      String(dimensions),
      text,
    ];
    const known = cacheOf(tenant === undefined ? undefined : cache, key, request);
    const missing = request.texts.flatMap((text, index) => (known[index] === undefined ? [{ text, index }] : []));
    const tokens_known = known.reduce((sum, row) => sum + (row?.tokens ?? 0), 0);
    const engine = { compute, model: model.id, precision };
    const fresh = await embedInParts({ engine, items: missing, request, tokens_known, signal });
    fresh.forEach((whole, at) => {
      const { text, index } = missing[at] ?? { text: '', index: 0 };
      const vector = { ...whole, vector: cutVector(whole.vector, dimensions) };
      known[index] = vector;
      if (tenant !== undefined) cache.set(key(text), vector);
    });
    return embedded(known, {
      model: model.id,
      model_digest: installed.weights_sha256,
      precision,
      dimension: dimensions,
      served_by: parts.served_by(),
    });
  };

  return {
    async embed(call, request) {
      const model = resolve(registry, request.model);
      refuseDimensions(model, request.dimensions);
      refuseWrongCount(request.texts);
      refuseBlank(request.texts);
      return judge.decide(call, judgement(model, request), async () => {
        const value = await serve(request, model, call.signal, call.principal.tenant);
        return { value, outcome: outcomeOf(value) };
      });
    },
    async vectorsOf(request, signal) {
      const model = resolve(registry, request.model);
      refuseBlank(request.texts);
      return serve(request, model, signal);
    },
    async models(call) {
      const installed = new Map((await parts.installed()).map((one) => [one.id, one]));
      return registry.models.map((model) => ({
        id: model.id,
        dimension: model.dimension,
        max_tokens: model.max_tokens,
        installed: installed.has(model.id),
        pinned: model.files !== null,
        precisions: installed.get(model.id)?.precisions ?? [],
        default_precision: installed.get(model.id)?.default_precision ?? model.default_precision ?? null,
        checked: model.checked.int8 === undefined ? [] : ['int8'],
        truncatable: model.truncatable,
        default: model.id === registry.default.id,
        license: model.license,
        aliases: model.aliases,
        permitted: judge.permits(call, judgementOf(model, 0)),
      }));
    },
  };
}

function resolve(registry: ModelRegistry, name: string | undefined): RegistryModel {
  const model = name === undefined ? registry.default : registry.find(name);
  if (model !== undefined) return model;
  throw new SignetError({
    code: 'model_not_found',
    detail: `no embedding model \`${shown(name ?? '')}\` here; GET /api/v1/embeddings/models lists them`,
    param: 'model',
  });
}

function shown(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name;
}

function notInstalled(model: RegistryModel): SignetError {
  return new SignetError({
    code: 'model_not_installed',
    detail: `\`${model.id}\` is known but not installed; install it with: signet models pull ${model.id}`,
    param: 'model',
  });
}

function notInPrecision(model: RegistryModel, precision: Precision): SignetError {
  return new SignetError({
    code: 'model_not_installed',
    detail: `\`${model.id}\` is installed, but not in ${precision}; GET /api/v1/embeddings/models lists what is`,
    param: 'precision',
  });
}

function mismatch(model: RegistryModel, precision: Precision): SignetError {
  return new SignetError({
    code: 'model_mismatch',
    detail: `expected \`${model.id}\` in ${precision}, with which the collection was made; it is not installed`,
  });
}

function refuseDimensions(model: RegistryModel, asked: number | undefined): void {
  if (asked === undefined || asked === model.dimension || model.truncatable.includes(asked)) return;
  const lengths = [...model.truncatable, model.dimension].join(', ');
  const why = model.truncatable.length === 0 ? 'was not trained to be cut' : 'was trained to be cut to these alone';
  throw new SignetError({
    code: 'unsupported_parameter',
    detail: `expected ${lengths}, got ${asked}: \`${model.id}\` ${why}`,
    param: 'dimensions',
  });
}

function refuseWrongCount(texts: readonly string[]): void {
  const { inputs_max } = limits.embeddings;
  if (texts.length >= 1 && texts.length <= inputs_max) return;
  throw new SignetError({
    code: 'invalid_request',
    reason: texts.length === 0 ? 'no_input' : 'too_many_inputs',
    detail: `expected 1 to ${inputs_max} texts, got ${texts.length}`,
    param: 'input',
  });
}

function refuseBlank(texts: readonly string[]): void {
  const index = texts.findIndex((text) => text.trim() === '');
  if (index >= 0) throw emptyText(index);
}

function judgement(model: RegistryModel, request: EmbedRequest): Judgement {
  const { texts, input_type, truncate, precision, dimensions } = request;
  return {
    ...judgementOf(model, texts.length),
    request: {
      model: model.id,
      input: texts,
      input_type,
      truncate,
      ...(precision === undefined ? {} : { precision }),
      ...(dimensions === undefined ? {} : { dimensions }),
    },
  };
}

function judgementOf({ id }: RegistryModel, inputs: number): Judgement {
  return { action: 'embed', resource: { type: 'Model', id }, facts: { inputs } };
}

function outcomeOf(value: Embedded) {
  const tokens = value.tokens.reduce((sum, count) => sum + count, 0);
  const { model, model_digest, precision, dimension, served_by } = value;
  return {
    usage: { in: tokens },
    detail: { model, model_digest, precision, dimension, truncated: value.truncated.length, served_by },
    // The vectors themselves are large and can be computed again: their digest binds the answer to the receipt.
    response: { model, dimension, vectors_sha256: digestOf(value.vectors) },
  };
}

/** Over the components as they stand in memory: little-endian float32, row after row. */
function digestOf(vectors: readonly Float32Array[]): string {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of vectors) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

function cacheOf(
  cache: VectorCache | undefined,
  key: (text: string) => readonly string[],
  { texts, truncate }: EmbedRequest,
): (CachedVector | undefined)[] {
  return texts.map((text) => {
    const found = cache?.get(key(text));
    // Whoever wants overlong texts refused gets the engine's refusal, with its token count.
    return found?.is_truncated === true && truncate === 'error' ? undefined : found;
  });
}

function embedded(
  rows: readonly (CachedVector | undefined)[],
  facts: Pick<Embedded, 'model' | 'model_digest' | 'precision' | 'dimension' | 'served_by'>,
): Embedded {
  const complete = rows.filter((row) => row !== undefined);
  if (complete.length !== rows.length) throw new Error('the engine answered fewer vectors than texts');
  return {
    ...facts,
    vectors: complete.map(({ vector }) => vector),
    tokens: complete.map(({ tokens }) => tokens),
    truncated: complete.flatMap(({ is_truncated }, index) => (is_truncated ? [index] : [])),
  };
}
