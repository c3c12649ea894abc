import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { RandomBytes } from '../call.ts';
import type { Json } from '../json.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Objects } from '../ports/objects.ts';
import type { Put } from '../ports/table.ts';
import { contentKey, contentObjectKey } from './keys.ts';

/** An in-toto subject: what a statement is about, by digest. */
export interface Subject {
  readonly name: string;
  readonly digest: { readonly sha256: string; readonly blake3: string };
}

export interface KeptContent {
  /** One subject for each item, in order. */
  readonly subject: readonly Subject[];
  /** Small records, to be stored in the transaction of the statement that names them; `now` in Unix milliseconds. */
  rows(now: number): readonly Put[];
  /** Resolves when the large records are stored as objects. */
  readonly stored: Promise<unknown>;
}

/** Up to this a record is a row: an object costs a file (or a request) of its own, several times the receipt's whole cost. */
const row_bytes_max = 16_384;

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
      if (items.length === 0) return { subject: [], rows: () => [], stored: Promise.resolve() };
      const records = await digestRecords(
        digest,
        items.map(({ content }) => ({ content, salt: Buffer.from(random(16)).toString('hex') })),
      );
      const subject = items.map(({ name }, index) => {
        const { sha256, blake3 } = at(records, index);
        return { name, digest: { sha256, blake3 } };
      });
      const small = records.filter((record) => record.bytes.length <= row_bytes_max);
      const large = records.filter((record) => record.bytes.length > row_bytes_max);
      const stored = Promise.all(
        // Not durable on its own: with the power a record may go, and its receipt still says what its digest was.
        large.map(({ sha256, bytes }) => objects.put(contentObjectKey(tenant, sha256), bytes, { durable: false })),
      );
      // The caller awaits it a little later; a failure before that must not count as unhandled.
      stored.catch(() => undefined);
      return { subject, rows: (now) => small.map((record) => contentRow(tenant, record, now)), stored };
    },
  };
}

function contentRow(tenant: string, { sha256, bytes }: { sha256: string; bytes: Uint8Array }, now: number): Put {
  const expires_at = Math.floor(now / 1000) + limits.content_days * 86_400;
  const item = { record: new TextDecoder().decode(bytes), expires_at };
  return { kind: 'put', key: contentKey(tenant, sha256), item };
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
