import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { checkListing, checkObjectKey, checkPutOptions, checkRange } from '../../domain/ports/object-rules.ts';
import { ObjectsUnavailableError } from '../../domain/ports/objects.ts';
import type { ByteRange, ObjectBody, ObjectHead, Objects, PutOptions, PutResult } from '../../domain/ports/objects.ts';
import { OutcomeUnknownError } from '../aws/call-failure.ts';
import { CallFailedError, repeatCall, usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { cursorAfterKey, readKeyCursor } from './key-cursor.ts';

export interface S3ObjectsOptions {
  /** Made with `client_settings`: it must not repeat calls by itself. */
  readonly client: S3Client;
  readonly bucket: string;
  readonly rules?: Partial<RepeatRules>;
}

/** Metadata that names the put: a second attempt, whose first was carried out unheard, knows its own work by it. */
const write_name = 'signet-write';

/** The Objects port over one S3 bucket. Every put is durable; the tag is S3's, without its quotes. */
export function s3Objects({ client, bucket: Bucket, rules: own_rules }: S3ObjectsOptions): Objects {
  const rules = { ...usual_rules, ...own_rules };

  async function headOf(Key: string): Promise<(ObjectHead & { write: string | undefined }) | undefined> {
    const found = await ifThere(repeatCall(() => client.send(new HeadObjectCommand({ Bucket, Key })), { rules }));
    if (found === undefined) return undefined;
    return { ...headFrom(found.ETag, found.ContentLength), write: found.Metadata?.[write_name] };
  }

  async function put(Key: string, body: Uint8Array, { ifAbsent = false, ifMatch }: PutOptions): Promise<PutResult> {
    const write = randomUUID();
    const command = new PutObjectCommand({
      Bucket,
      Key,
      Body: body,
      Metadata: { [write_name]: write },
      ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
      ...(ifMatch === undefined ? {} : { IfMatch: `"${ifMatch}"` }),
    });
    try {
      const { ETag } = await repeatCall(() => client.send(command), { rules });
      return { kind: 'written', etag: unquoted(ETag) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const found = await headOf(Key);
      if (found?.write === write) return { kind: 'written', etag: found.etag };
      // Carried out unheard and replaced since, or refused from the start: to say `refused` could be a lie.
      if ((error as CallFailedError).was_unheard) throw new OutcomeUnknownError('a put is in doubt', { cause: error });
      return { kind: 'refused', etag: found?.etag };
    }
  }

  /** One request whole, body included: a body that breaks off is read again. */
  async function get(Key: string, range: ByteRange | undefined): Promise<ObjectBody | undefined> {
    const is_empty = range !== undefined && range.from === range.to;
    if (is_empty) return emptyPart(Key);
    const Range = range === undefined ? {} : { Range: `bytes=${range.from}-${range.to - 1}` };
    try {
      return await ifThere(
        repeatCall(
          async () => {
            const found = await client.send(new GetObjectCommand({ Bucket, Key, ...Range }));
            const body = (await found.Body?.transformToByteArray()) ?? new Uint8Array();
            // `bytes 0-3/10`: the whole length stands behind the slash.
            const bytes = Number(found.ContentRange?.split('/')[1] ?? body.length);
            return { ...headFrom(found.ETag, bytes), body: new Uint8Array(body) };
          },
          { rules },
        ),
      );
    } catch (error) {
      if (isNamed(error, 'InvalidRange')) return emptyPart(Key);
      throw error;
    }
  }

  async function emptyPart(key: string): Promise<ObjectBody | undefined> {
    const head = await headOf(key);
    return head === undefined ? undefined : { etag: head.etag, bytes: head.bytes, body: new Uint8Array() };
  }

  return {
    async get(key, range) {
      checkObjectKey(key);
      if (range !== undefined) checkRange(range);
      return explained('get', () => get(key, range));
    },

    async head(key) {
      checkObjectKey(key);
      const found = await explained('head', () => headOf(key));
      return found === undefined ? undefined : { etag: found.etag, bytes: found.bytes };
    },

    async put(key, body, options = {}) {
      checkObjectKey(key);
      checkPutOptions(options);
      return explained('put', () => put(key, body, options));
    },

    async list({ prefix, cursor, limit }) {
      checkListing({ prefix, limit });
      const after = cursor === undefined ? {} : { StartAfter: readKeyCursor(prefix, cursor) };
      const command = new ListObjectsV2Command({
        Bucket,
        Prefix: prefix,
        MaxKeys: limit,
        // A key may hold what XML cannot.
        EncodingType: 'url',
        ...after,
      });
      const { Contents = [], IsTruncated = false } = await explained('list', () =>
        repeatCall(() => client.send(command), { rules }),
      );
      const keys = Contents.map(({ Key = '' }) => decodeURIComponent(Key.replaceAll('+', ' ')));
      const last = keys.at(-1);
      return IsTruncated && last !== undefined ? { keys, cursor: cursorAfterKey(prefix, last) } : { keys };
    },

    async delete(key) {
      checkObjectKey(key);
      const command = new DeleteObjectCommand({ Bucket, Key: key });
      await explained('delete', () => ifThere(repeatCall(() => client.send(command), { rules })));
    },
  };
}

function headFrom(etag: string | undefined, bytes: number | undefined): ObjectHead {
  return { etag: unquoted(etag), bytes: bytes ?? 0 };
}

function unquoted(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

/** A condition that did not hold; `If-Match` on nothing is answered as if the key were asked for. */
function isRefusal(error: unknown): boolean {
  return isNamed(error, 'PreconditionFailed') || isNamed(error, 'NoSuchKey') || isNamed(error, 'NotFound');
}

async function ifThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNamed(error, 'NoSuchKey') || isNamed(error, 'NotFound')) return undefined;
    throw error;
  }
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof CallFailedError && error.cause instanceof Error && error.cause.name === name;
}

async function explained<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof OutcomeUnknownError) {
      throw new ObjectsUnavailableError({ operation, retryable: false }, { cause });
    }
    if (!(cause instanceof CallFailedError)) throw cause;
    throw new ObjectsUnavailableError({ operation, retryable: cause.failure !== 'permanent' }, { cause });
  }
}
