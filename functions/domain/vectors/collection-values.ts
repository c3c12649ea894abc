import type { Call, NewId } from '../call.ts';
import type { Embedded, Embeddings } from '../embeddings/embeddings.ts';
import { SignetError } from '../errors.ts';
import { checkInput, invalid } from './check-request.ts';
import { checkValues } from './check-values.ts';
import type { StoredCollection } from './collections.ts';
import type { VectorInput } from './vectors.ts';
import type { RowWrite } from './write-rows.ts';

/** Vectors of what a caller gives: checked values, or the embedding of texts by the collection's own model. */
export interface CollectionValues {
  ofRows(
    call: Call,
    collection: StoredCollection,
    vectors: readonly VectorInput[],
  ): Promise<{ writes: readonly (RowWrite & { kind: 'put' })[]; truncated: readonly number[] }>;
  ofText(call: Call, collection: StoredCollection, text: string): Promise<Float32Array>;
}

export function makeCollectionValues({
  embeddings,
  newId,
}: {
  embeddings: Pick<Embeddings, 'vectorsOf'>;
  newId: NewId;
}): CollectionValues {
  /** Another digest under the same name would make scores meaningless. */
  async function embed(
    call: Call,
    collection: StoredCollection,
    request: { texts: readonly string[]; input_type: 'query' | 'document'; param: string },
  ): Promise<Embedded> {
    // One that was made before there was a choice was made by fp32.
    const { model, precision = 'fp32' } = collection;
    if (model === undefined) {
      throw invalid('no_model', request.param, 'this collection takes values: it was created without a model');
    }
    const { texts, input_type } = request;
    const embedded = await embeddings.vectorsOf({ model, precision, texts, input_type, truncate: 'end' }, call.signal);
    if (embedded.model_digest !== collection.model_digest || embedded.dimension !== collection.dimension) {
      throw new SignetError({
        code: 'model_mismatch',
        detail: `\`${collection.name}\` was embedded with \`${model}\` of other weights than are installed now`,
      });
    }
    return embedded;
  }

  return {
    async ofRows(call, collection, vectors) {
      vectors.forEach(checkInput);
      const given = vectors.map((vector, index) =>
        vector.values === undefined ? undefined : checkValues(vector.values, collection, `vectors[${index}].values`),
      );
      const textual = vectors.flatMap(({ text }, index) => (text === undefined ? [] : [{ text, index }]));
      const truncated: number[] = [];
      if (textual.length > 0) {
        const texts = textual.map(({ text }) => text);
        const first = `vectors[${textual[0]?.index ?? 0}].text`;
        const embedded = await embed(call, collection, { texts, input_type: 'document', param: first });
        textual.forEach(({ index }, nth) => {
          given[index] = checkValues(embedded.vectors[nth] ?? [], collection, `vectors[${index}].text`);
        });
        truncated.push(...embedded.truncated.flatMap((nth) => textual[nth]?.index ?? []));
      }
      const writes = vectors.map((vector, index) => {
        const values = given[index];
        if (values === undefined) throw new Error(`vector ${index} has no values`);
        return {
          kind: 'put' as const,
          id: vector.id ?? newId(),
          values,
          ...(vector.metadata === undefined ? {} : { metadata: vector.metadata }),
          ...(vector.content === undefined ? {} : { content: vector.content }),
        };
      });
      return { writes, truncated };
    },

    async ofText(call, collection, text) {
      const embedded = await embed(call, collection, { texts: [text], input_type: 'query', param: 'text' });
      return checkValues(embedded.vectors[0] ?? [], collection, 'text');
    },
  };
}
