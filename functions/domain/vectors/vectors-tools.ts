import type { JsonObject } from '../json.ts';
import type { ToolTargets } from '../tools/tools.ts';
import type { QueryRequest, Vectors } from './vectors.ts';

/** Built-in tools over the stored vectors, by target name. */
export function vectorsTools(vectors: Pick<Vectors, 'query'>): ToolTargets['builtin'] {
  return new Map([
    [
      'vectors.query',
      {
        manifest: {
          name: 'vectors.query',
          description: 'Finds the stored texts of a collection that are closest in meaning to a text.',
          version: '1',
          parameters: {
            type: 'object',
            properties: {
              collection: { type: 'string', description: 'name of the collection' },
              text: { type: 'string', description: 'what to look for' },
              k: { type: 'integer', minimum: 1, maximum: 100, default: 5, description: 'how many hits' },
              namespace: { type: 'string', default: 'default' },
              filter: { type: 'object', description: 'conditions on the metadata, such as {"language": "en"}' },
            },
            required: ['collection', 'text'],
            additionalProperties: false,
          },
          side_effects: 'read',
          timeout_ms: 10_000,
          idempotent: true,
          allow_parallel: true,
          target: { kind: 'builtin', name: 'vectors.query' },
        },
        async run(call, args) {
          const { value } = await vectors.query(call, { ...queryOf(args), collection: args['collection'] as string });
          return {
            hits: value.hits.map(({ id, score, metadata, content }) => ({
              id,
              score,
              ...(metadata === undefined ? {} : { metadata }),
              ...(content === undefined ? {} : { content }),
            })),
          };
        },
      },
    ],
  ]);
}

/** The arguments fit the manifest's schema when they come here; defaults are ours to fill in. */
function queryOf(args: JsonObject): QueryRequest {
  const { k, namespace, filter } = args;
  return {
    text: args['text'] as string,
    k: typeof k === 'number' ? k : 5,
    namespace: typeof namespace === 'string' ? namespace : 'default',
    include: ['metadata', 'content'],
    ...(filter === undefined ? {} : { filter: filter as JsonObject }),
  };
}
