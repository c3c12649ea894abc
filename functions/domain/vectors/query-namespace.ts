import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../errors.ts';
import type { DigestCompute } from '../ports/compute.ts';
import { digestOne } from '../ports/digest-one.ts';
import type { StoredRow, ViewAnswer, ViewQuery } from '../ports/segment-compute.ts';
import { invalid } from './check-request.ts';
import { checkValues } from './check-values.ts';
import type { StoredCollection } from './collections.ts';
import type { Followed, Namespace } from './namespaces.ts';
import type { Hit, Include, QueryAnswer, QueryRequest, VectorRow } from './vectors.ts';

/** Over so many, an answer has ids and scores alone. */
const included_max = 1000;

/** What can be said against a query before anything is read. */
export function checkQuery(request: QueryRequest, collection: StoredCollection): void {
  const { values, text, id, k, include, min_score, min_dense_score, min_lexical_score } = request;
  const { k_max } = limits.vectors;
  if (!(Number.isInteger(k) && k >= 1 && k <= k_max)) throw invalid('k', 'k', `expected 1 to ${k_max}, got ${k}`);
  if (k > included_max && include.length > 0) {
    throw invalid('include_too_large', 'include', `expected no \`include\` with a \`k\` over ${included_max}`);
  }
  const mode = request.mode ?? 'dense';
  const given = [values, text, id].filter((one) => one !== undefined).length;
  if (mode === 'dense' && given !== 1) {
    throw invalid('query', 'values', 'expected exactly one of `values`, `text` and `id`');
  }
  if (mode !== 'dense' && !collection.text) {
    throw invalid(
      'no_text',
      'mode',
      'this collection was created without `text`: its contents are not searched by words',
    );
  }
  if (mode === 'lexical' && (text === undefined || given !== 1)) {
    throw invalid('query', 'text', 'expected `text` and nothing else to look for by words');
  }
  if (mode === 'hybrid' && (text === undefined || id !== undefined)) {
    throw invalid('query', 'text', 'expected `text`, and `values` where the collection has no model');
  }
  // Fused scores have no scale; each list of its own has one.
  if (mode === 'hybrid' && min_score !== undefined) {
    throw invalid('score_scale', 'min_score', 'expected `min_dense_score` or `min_lexical_score` for fused scores');
  }
  if (mode === 'dense' && min_lexical_score !== undefined) {
    throw invalid('score_scale', 'min_lexical_score', 'expected `min_score`: this query asks no words');
  }
  if (mode === 'lexical' && min_dense_score !== undefined) {
    throw invalid('score_scale', 'min_dense_score', 'expected `min_score`: this query compares no vectors');
  }
  if (mode !== 'hybrid' && request.weights !== undefined) {
    throw invalid('weights', 'weights', 'expected `weights` with `mode` `hybrid` alone');
  }
}

/** What a request asks of the view. */
export async function viewQuery({
  namespace: { collection },
  followed,
  request,
  embedded,
}: {
  namespace: Namespace;
  followed: Followed;
  request: QueryRequest;
  /** Of the text, where it is compared as a vector. */
  embedded: Float32Array | undefined;
}): Promise<ViewQuery> {
  const { k, mode = 'dense', text, filter, include, min_score, min_dense_score, min_lexical_score, weights } = request;
  const values = mode === 'lexical' ? undefined : await queryValues();
  const dense_min = mode === 'dense' ? (min_score ?? min_dense_score) : min_dense_score;
  const lexical_min = mode === 'lexical' ? (min_score ?? min_lexical_score) : min_lexical_score;
  return {
    mode,
    k,
    ...(values === undefined ? {} : { values }),
    ...(mode === 'dense' || text === undefined ? {} : { text }),
    ...(filter === undefined ? {} : { filter }),
    ...(isExact() ? { exact: true } : {}),
    ...(request.report === undefined ? {} : { report: request.report }),
    ...(weights === undefined ? {} : { weights }),
    ...(dense_min === undefined ? {} : { min_dense_score: dense_min }),
    ...(lexical_min === undefined ? {} : { min_lexical_score: lexical_min }),
    include: includedOf(include),
  };

  /** Few rows are all scored: no candidate can be missed, and nothing is gained by choosing some. */
  function isExact(): boolean {
    const { rows } = followed.head;
    if (request.exact === true && rows > limits.vectors.exact_rows_max) {
      throw invalid('exact', 'exact', `expected at most ${limits.vectors.exact_rows_max} rows to score exactly`);
    }
    return request.exact ?? (rows <= limits.vectors.scanned_rows_max && collection.rows !== 'none');
  }

  async function queryValues(): Promise<Float32Array> {
    if (request.values !== undefined) return checkValues(request.values, collection, 'values');
    if (embedded !== undefined) return embedded;
    const asked = request.id ?? '';
    const [row] = await followed.compute.lookUp(followed.view, { ids: [asked], include: { values: true } });
    if (row === undefined) {
      throw new SignetError({ code: 'vector_not_found', param: 'id', detail: 'no vector with this `id`' });
    }
    if (row.values === undefined) throw invalid('no_stored_rows', 'id', 'this collection keeps no values to look with');
    return row.values;
  }
}

/** The answer over a namespace as it is followed. */
export async function queryNamespace({
  namespace,
  followed,
  query,
  digest,
}: {
  namespace: Namespace;
  followed: Followed;
  query: ViewQuery;
  digest: DigestCompute;
}): Promise<QueryAnswer> {
  const { compute, view, manifest } = followed;
  const answer = await compute.search(view, query);
  return {
    hits: answer.hits.map((hit) => hitOf(hit, query.mode)),
    score_kind: answer.score_kind,
    seq: answer.seq,
    generation: manifest.generation,
    snapshot: await snapshotOf({ digest, namespace, followed, seq: answer.seq }),
    ...(answer.report === undefined ? {} : { report: answer.report }),
  };
}

export function includedOf(include: readonly Include[]): { metadata: boolean; values: boolean; content: boolean } {
  return {
    metadata: include.includes('metadata'),
    values: include.includes('values'),
    content: include.includes('content'),
  };
}

export function rowOf({ id, values, metadata, content }: StoredRow): VectorRow {
  return {
    id,
    ...(values === undefined ? {} : { values: Array.from(values) }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(content === undefined ? {} : { content }),
  };
}

function hitOf(hit: ViewAnswer['hits'][number], mode: ViewQuery['mode']): Hit {
  const { id, ...row } = rowOf(hit);
  return { id, score: hit.score, ...(mode === 'dense' ? { distance: hit.distance } : {}), ...row };
}

/** Names what was searched; the collection's own id is part of it, so that a dropped one never shares a snapshot. */
async function snapshotOf({
  digest,
  namespace: { collection, name },
  followed,
  seq,
}: {
  digest: DigestCompute;
  namespace: Namespace;
  followed: Followed;
  seq: number;
}): Promise<string> {
  const segments = followed.manifest.segments.map((segment) => [segment.name, segment.dead?.name ?? null]);
  const searched = JSON.stringify([collection.name, collection.id, name, segments, seq]);
  return (await digestOne(digest, new TextEncoder().encode(searched))).blake3;
}
