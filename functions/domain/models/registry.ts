import { z } from 'zod';
import { engineFacts } from './model-facts.ts';

export const pinnedFile = z.object({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z
    .number()
    .int()
    .min(1)
    .max(2 * 1024 ** 3),
});

const source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('dir'), path: z.string() }),
  z.object({ kind: z.literal('wheel'), package: z.string().regex(/==/), path: z.string() }),
  z.object({ kind: z.literal('hub'), url: z.url({ protocol: /^https$/ }) }),
]);

/** What `signet models check` measured of a precision against fp32: the ground on which it may be the default. */
const qualityChecked = z.object({
  date: z.iso.date(),
  cosine_mean: z.number(),
  cosine_lowest: z.number(),
  overlap_mean: z.number(),
  neighbours_lowest: z.number(),
});

const registryModel = engineFacts.extend({
  checked: z.object({ int8: qualityChecked.optional() }).default({}),
  aliases: z.array(z.string()),
  truncatable: z.array(z.number().int().positive()),
  architecture: z.object({ kind: z.string(), layers: z.number().int(), heads: z.number().int() }),
  /** `null`: known but not pinned, so never downloaded. */
  files: z.object({ weights: pinnedFile, tokenizer: pinnedFile }).nullable(),
  sources: z.array(source),
});

const registrySchema = z.object({ default: z.string(), models: z.array(registryModel).min(1) });

export type PinnedFile = z.infer<typeof pinnedFile>;
export type RegistryModel = z.infer<typeof registryModel>;

export interface ModelRegistry {
  readonly default: RegistryModel;
  readonly models: readonly RegistryModel[];
  /** By id or alias. */
  find(name: string): RegistryModel | undefined;
}

/**
 * Reads `models.json`. `default_id` (an id or alias, from `SIGNET_EMBED_MODEL`) replaces its default. Throws where the
 * file is wrong, a name means two models, int8 is a default without a check, or the default is unknown: the start must
 * not go on with it.
 */
export function readRegistry(value: unknown, default_id?: string): ModelRegistry {
  const registry = registrySchema.parse(value);
  const byName = new Map<string, RegistryModel>();
  for (const model of registry.models) {
    if (model.default_precision === 'int8' && model.checked.int8 === undefined) {
      throw new Error(`models.json: \`${model.id}\` has int8 as its default without a check that it passed`);
    }
    for (const name of [model.id, ...model.aliases]) {
      if (byName.has(name)) throw new Error(`models.json: \`${name}\` names two models`);
      byName.set(name, model);
    }
  }
  const wanted = default_id ?? registry.default;
  const found = byName.get(wanted);
  if (found === undefined) {
    const known = registry.models.map(({ id }) => id).join(', ');
    throw new Error(`expected the default embedding model to be one of ${known}, got \`${wanted}\``);
  }
  return { default: found, models: registry.models, find: (name) => byName.get(name) };
}
