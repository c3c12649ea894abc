import type { InstalledModel } from '../../domain/embeddings/make-embeddings.ts';
import type { ModelFacts } from '../../domain/models/model-facts.ts';
import type { EmbedCompute } from '../../domain/ports/compute.ts';
import type { NativeEmbed } from './native-embed.ts';

/** A model that may be opened when it is first asked for. */
export interface ShelvedModel {
  readonly facts: ModelFacts;
  open(): Promise<NativeEmbed>;
}

export interface ModelShelf extends EmbedCompute {
  installed(): Promise<readonly InstalledModel[]>;
  close(): Promise<void>;
}

/**
 * Several models behind one port: `first`, which is open, and those that `others` finds, each opened by its first text and
 * kept from then on. `others` is asked anew each time, so that a model which is pulled while the node runs is taken up.
 */
export function modelShelf(request: {
  first: NativeEmbed;
  others: () => Promise<readonly ShelvedModel[]>;
}): ModelShelf {
  const { first, others } = request;
  const opened = new Map<string, Promise<NativeEmbed>>();

  const engineOf = async (id: string): Promise<NativeEmbed> => {
    if (id === first.model.id) return first;
    const known = opened.get(id);
    if (known !== undefined) return known;
    const model = (await others()).find(({ facts }) => facts.id === id);
    if (model === undefined) throw new Error(`no model \`${id}\` is installed`);
    // Another call may have opened it while this one looked.
    const engine = opened.get(id) ?? model.open();
    opened.set(id, engine);
    engine.catch(() => opened.delete(id));
    return engine;
  };

  return {
    embed: async (asked) => (await engineOf(asked.model)).embed(asked),
    async installed() {
      const more = (await others()).map(({ facts }) => facts).filter(({ id }) => id !== first.model.id);
      return [first.model, ...more].map(({ id, weights_sha256, precisions, default_precision }) => ({
        id,
        weights_sha256,
        precisions: precisions.map(({ name }) => name),
        default_precision,
      }));
    },
    async close() {
      await first.close();
      for (const engine of opened.values()) await (await engine).close();
    },
  };
}
