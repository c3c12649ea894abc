import type { Embeddings } from '../domain/embeddings/embeddings.ts';
import type { ToolManifest, ToolTargets } from '../domain/tools/tools.ts';
import type { Web } from '../domain/web/web.ts';

const common = {
  version: '1',
  side_effects: 'read',
  timeout_ms: 10_000,
  idempotent: true,
  allow_parallel: true,
} as const;

/** `web.search`, as a model calls it. */
export function webSearchTool(web: Web): ToolTargets['builtin'] {
  const manifest: ToolManifest = {
    ...common,
    name: 'web.search',
    description: 'Searches and answers title, URL and snippet of the best results.',
    parameters: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'what to look for' },
        k: { type: 'integer', minimum: 1, maximum: 20, default: 5 },
      },
      required: ['query'],
      additionalProperties: false,
    },
    target: { kind: 'builtin', name: 'web.search' },
  };
  return new Map([
    [
      manifest.name,
      {
        manifest,
        async run(call, args) {
          const { query, k } = args;
          // The manifest's schema was checked before: only the defaults are left to fill in.
          const asked = { query: typeof query === 'string' ? query : '', k: typeof k === 'number' ? k : 5 };
          const { value } = await web.search(call, asked);
          return value.map(({ title, url, snippet }) => ({ title, url, snippet }));
        },
      },
    ],
  ]);
}

/** `embed`, as a model or a script calls it. */
export function embedTool(embeddings: Embeddings): ToolTargets['builtin'] {
  const manifest: ToolManifest = {
    ...common,
    name: 'embed',
    description: 'Turns texts into vectors of the default embedding model.',
    parameters: {
      type: 'object',
      properties: { texts: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 64 } },
      required: ['texts'],
      additionalProperties: false,
    },
    side_effects: 'compute',
    target: { kind: 'builtin', name: 'embed' },
  };
  return new Map([
    [
      manifest.name,
      {
        manifest,
        async run(call, args) {
          const texts = Array.isArray(args['texts']) ? args['texts'].map(String) : [];
          const { value } = await embeddings.embed(call, { texts, input_type: 'document', truncate: 'end' });
          return { model: value.model, vectors: value.vectors.map((vector) => Array.from(vector)) };
        },
      },
    ],
  ]);
}
