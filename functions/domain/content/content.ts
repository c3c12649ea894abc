import type { RandomBytes } from '../call.ts';
import type { Json } from '../json.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Objects } from '../ports/objects.ts';
import { contentObjectKey } from './keys.ts';

/** An in-toto subject: what a statement is about, by digest. */
export interface Subject {
  readonly name: string;
  readonly digest: { readonly sha256: string; readonly blake3: string };
}

export interface KeptContent {
  /** One subject for each item, in order. */
  readonly subject: readonly Subject[];
  /** Resolves when the records are stored: may be awaited together with the statement that names them. */
  readonly stored: Promise<unknown>;
}

/**
 * Prompts, answers and payloads as salted content records: the log holds digests alone, a short text cannot be guessed
 * from its digest, and deleting the record unlinks it.
 *
 * A record is JCS({content, salt}), salt = 16 random bytes in hex. What has no canonical form (a number beyond I-JSON,
 * a noncharacter, too deep or too large) is kept as JCS({content_base64, salt}) of its JSON text instead: nothing a client may legally send
 * makes its receipt impossible.
 */
export interface Content {
  keep(tenant: string, items: readonly { readonly name: string; readonly content: Json }[]): Promise<KeptContent>;
}

export function makeContent({
  objects,
  digest,
  random,
}: {
  objects: Objects;
  digest: DigestCompute;
  random: RandomBytes;
}): Content {
  return {
    async keep(tenant, items) {
      if (items.length === 0) return { subject: [], stored: Promise.resolve() };
      const records = await digestRecords(
        digest,
        items.map(({ content }) => ({ content, salt: Buffer.from(random(16)).toString('hex') })),
      );
      const subject = items.map(({ name }, index) => {
        const { sha256, blake3 } = at(records, index);
        return { name, digest: { sha256, blake3 } };
      });
      const stored = Promise.all(
        // Not durable on its own: with the power a record may go, and its receipt still says what its digest was.
        records.map((record) => objects.put(contentObjectKey(tenant, record.sha256), record.bytes, { durable: false })),
      );
      // The caller awaits it a little later; a failure before that must not count as unhandled.
      stored.catch(() => undefined);
      return { subject, stored };
    },
  };
}

async function digestRecords(
  digest: DigestCompute,
  records: readonly { content: Json; salt: string }[],
): Promise<readonly { bytes: Uint8Array; sha256: string; blake3: string }[]> {
  const encoder = new TextEncoder();
  const outcomes = await digest.canonicalise(records.map((record) => encoder.encode(JSON.stringify(record))));
  const bytes = records.map((record, index) => {
    const outcome = at(outcomes, index);
    return outcome.ok ? outcome.canonical : encoder.encode(opaqueRecord(record));
  });
  const digests = await digest.digest(bytes);
  return bytes.map((record, index) => ({ bytes: record, ...at(digests, index) }));
}

/** Canonical as it stands: names in order, ASCII values that need no escape. */
function opaqueRecord({ content, salt }: { content: Json; salt: string }): string {
  return `{"content_base64":"${Buffer.from(JSON.stringify(content)).toString('base64')}","salt":"${salt}"}`;
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`no item ${index} of ${items.length}`);
  return item;
}
