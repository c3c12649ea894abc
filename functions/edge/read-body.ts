import { SignetError } from '../domain/errors.ts';
import type { Json } from '../domain/json.ts';
import { parsePlainJson, parseStrictJson } from './strict-json.ts';

export interface ReadBody {
  readonly bytes: Uint8Array;
  readonly value: Json;
}

/**
 * Size, media type and encoding are judged before the first byte is read, the size again while reading: a body without
 * `content-length` is dropped at the first byte over the cap.
 *
 * @returns undefined when there is no body and `optional` allows that
 */
export async function readBody(
  request: Request,
  {
    bytes_max,
    depth_max,
    is_plain = false,
    optional,
  }: { bytes_max: number; depth_max: number; is_plain?: boolean; optional: boolean },
): Promise<ReadBody | undefined> {
  const declared = request.headers.get('content-length');
  const chunked = request.headers.get('transfer-encoding') !== null;
  if (optional && !chunked && (declared === null || declared === '0')) return undefined;
  if (declared !== null && Number(declared) > bytes_max) throw tooLarge(bytes_max);
  checkMediaType(request);
  const bytes = await bytesOf(request, bytes_max);
  return { bytes, value: is_plain ? parsePlainJson(bytes, depth_max) : parseStrictJson(bytes, depth_max) };
}

/** A body as it is, whatever its media type says: of a protocol whose clients agree on none. */
export async function readBytes(request: Request, bytes_max: number): Promise<Uint8Array> {
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > bytes_max) throw tooLarge(bytes_max);
  checkEncoding(request);
  return bytesOf(request, bytes_max);
}

async function bytesOf(request: Request, bytes_max: number): Promise<Uint8Array> {
  const declared = request.headers.get('content-length');
  // With a declared length the HTTP parser holds the client to it, and reading at once saves a stream per request.
  const bytes = declared === null ? await readCapped(request, bytes_max) : new Uint8Array(await request.arrayBuffer());
  if (bytes.length > bytes_max) throw tooLarge(bytes_max);
  return bytes;
}

function checkMediaType(request: Request): void {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type.trim())) {
    throw new SignetError({
      code: 'unsupported_media_type',
      detail: 'expected `content-type: application/json` in UTF-8',
      param: 'content-type',
    });
  }
  checkEncoding(request);
}

function checkEncoding(request: Request): void {
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new SignetError({
      code: 'unsupported_media_type',
      detail: 'a compressed body is not taken here',
      param: 'content-encoding',
    });
  }
}

async function readCapped(request: Request, bytes_max: number): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array(0);
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(chunks, length);
      length += value.length;
      if (length > bytes_max) throw tooLarge(bytes_max);
      chunks.push(value);
    }
  } finally {
    // Released, not cancelled: the host drains what still comes, so that a client which is still sending reads the
    // answer; cancelling would break its socket.
    reader.releaseLock();
  }
}

function tooLarge(bytes_max: number): SignetError {
  return new SignetError({
    code: 'too_large',
    reason: 'json.size',
    detail: `expected a body of at most ${bytes_max} bytes`,
  });
}
