import type { Json, JsonObject } from '../json.ts';
import { SignetError } from '../errors.ts';
import { invalid } from './check-request.ts';
import type { OnMismatch, OpsMetric, VectorLike, VectorOps } from './vector-ops.ts';

/**
 * One call by name with its arguments as JSON, as they are named in `VectorOps`; unknown names: 404 `not_found`. An
 * argument that is no vector, missing or unknown: 400 `invalid_request`.
 *
 * @example await callVectorOp(ops, 'dot_product', { a: [1, 2], b: [3, 4] }) // 11
 */
export async function callVectorOp(ops: VectorOps, name: string, given: JsonObject): Promise<Json> {
  const found = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (found === undefined) {
    const known = Object.keys(operations).join(', ');
    throw new SignetError({ code: 'not_found', detail: `no operation of this name; there are ${known}` });
  }
  const unknown = Object.keys(given).find((one) => !found.takes.includes(one));
  if (unknown !== undefined) {
    throw invalid('argument', unknown, `expected no \`${unknown}\`; \`${name}\` takes ${listed(found.takes)}`);
  }
  return found.run(ops, given);
}

interface Operation {
  readonly takes: readonly string[];
  run(ops: VectorOps, given: JsonObject): Promise<Json>;
}

const operations: { readonly [name: string]: Operation } = {
  dot_product: {
    takes: ['a', 'b'],
    run: async (ops, given) => ops.dot_product(vector(given, 'a'), vector(given, 'b')),
  },
  euclidean_distance: {
    takes: ['a', 'b'],
    run: async (ops, given) => ops.euclidean_distance(vector(given, 'a'), vector(given, 'b')),
  },
  cosine_similarity: {
    takes: ['a', 'b', 'on_mismatch'],
    run: async (ops, given) => ops.cosine_similarity(vector(given, 'a'), vector(given, 'b'), tolerance(given)),
  },
  normalize: {
    takes: ['v'],
    run: async (ops, given) => numbers(await ops.normalize(vector(given, 'v'))),
  },
  cosine_similarity_batch: {
    takes: ['a', 'vs', 'on_mismatch'],
    async run(ops, given) {
      const a = isList(given['a']) ? list(given, 'a') : vector(given, 'a');
      const result = await ops.cosine_similarity_batch(a, list(given, 'vs'), tolerance(given));
      return result instanceof Float32Array ? numbers(result) : result.map(numbers);
    },
  },
  cosine_similarity_matrix: {
    takes: ['qs', 'ds', 'on_mismatch'],
    async run(ops, given) {
      const lines = await ops.cosine_similarity_matrix(list(given, 'qs'), list(given, 'ds'), tolerance(given));
      return lines.map(numbers);
    },
  },
  pairwise_distances: {
    takes: ['vs', 'metric'],
    run: async (ops, given) => (await ops.pairwise_distances(list(given, 'vs'), metric(given))).map(numbers),
  },
  top_k_similar: {
    takes: ['q', 'ds', 'k', 'metric'],
    async run(ops, given) {
      const { k } = given;
      if (typeof k !== 'number') throw invalid('k', 'k', 'expected a whole `k` of 1 or more');
      const hits = await ops.top_k_similar(vector(given, 'q'), list(given, 'ds'), k, metric(given));
      return hits.map(([index, score]) => [index, score]);
    },
  },
  runtime_info: { takes: [], run: async (ops) => ops.runtime_info() },
};

function vector(given: JsonObject, name: string): VectorLike {
  return vectorAt(given[name], name);
}

function vectorAt(value: Json | undefined, param: string): VectorLike {
  if (Array.isArray(value) && value.every((one) => typeof one === 'number')) return value;
  throw invalid('vector', param, `expected an array of numbers in \`${param}\``);
}

function list(given: JsonObject, name: string): readonly VectorLike[] {
  const value = given[name];
  if (!Array.isArray(value)) throw invalid('vectors', name, `expected a list of vectors in \`${name}\``);
  return value.map((one, at) => vectorAt(one, `${name}[${at}]`));
}

function isList(value: Json | undefined): boolean {
  return Array.isArray(value) && Array.isArray(value[0]);
}

/** Other texts than a metric are refused by the operation itself. */
function metric(given: JsonObject): OpsMetric | undefined {
  const { metric: named } = given;
  if (named === undefined) return undefined;
  if (typeof named !== 'string') throw invalid('metric', 'metric', 'expected a text in `metric`');
  return named as OpsMetric;
}

function tolerance(given: JsonObject): { on_mismatch: OnMismatch } {
  const { on_mismatch = 'error' } = given;
  if (on_mismatch === 'error' || on_mismatch === 'zero') return { on_mismatch };
  throw invalid('on_mismatch', 'on_mismatch', 'expected `on_mismatch` to be `error` or `zero`');
}

function numbers(values: Float32Array): number[] {
  return Array.from(values);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.map((name) => `\`${name}\``).join(', ');
}
