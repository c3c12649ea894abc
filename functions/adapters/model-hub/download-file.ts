import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fetchRange, type RangeAnswer } from './fetch-range.ts';
import { withLock } from './with-lock.ts';

export interface DownloadRequest {
  readonly url: string;
  /** Appears complete or not at all; `<target>.part` holds what is there so far and is resumed. */
  readonly target: string;
  readonly sha256: string;
  /** The pinned size; more is not read. */
  readonly bytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly bytes: number; readonly bytes_total: number }) => void;
  /** Plain HTTP, for tests against a server of their own. */
  readonly allow_http?: boolean;
}

export type DownloadOutcome = { readonly kind: 'downloaded' | 'present' };

/** The source answered something that is not the pinned file. What came is removed. */
export class DownloadedFileWrongError extends Error {
  override readonly name = 'DownloadedFileWrongError';
}

/**
 * Fetches one pinned file. Processes that want the same target download it once: the others wait and find it there.
 * A download that breaks off is resumed by a later call, from the start if the file behind the address has changed.
 */
export async function downloadFile(request: DownloadRequest): Promise<DownloadOutcome> {
  const { target, sha256, bytes } = request;
  if (bytes > file_bytes_max) throw new Error(`expected at most ${file_bytes_max} bytes, the pin says ${bytes}`);
  await mkdir(dirname(target), { recursive: true });
  return withLock(`${target}.lock`, request.signal, async () => {
    if ((await sizeOf(target)) === bytes && (await digestOf(target)).digest('hex') === sha256) {
      return { kind: 'present' };
    }
    await fillPart(request);
    const part = `${target}.part`;
    const found = (await digestOf(part)).digest('hex');
    const size = await sizeOf(part);
    if (found !== sha256 || size !== bytes) {
      await forget(target);
      const expected = `expected ${bytes} bytes with SHA-256 ${sha256}`;
      throw new DownloadedFileWrongError(`${request.url}: ${expected}, got ${size} bytes with ${found}; removed`);
    }
    await rename(part, target);
    await syncFolder(dirname(target));
    await rm(`${target}.part.json`, { force: true });
    return { kind: 'downloaded' };
  });
}

const file_bytes_max = 2 * 1024 ** 3;

/** Brings `<target>.part` to the end of the file, onto what an earlier call left if the validator is the same. */
async function fillPart(request: DownloadRequest): Promise<void> {
  const { target, bytes, signal } = request;
  const there = await resumePoint(request);
  if (there.bytes === bytes) return;
  const answer = await fetchRange({
    url: request.url,
    from: there.bytes,
    allow_http: request.allow_http ?? false,
    ...(there.validator === undefined ? {} : { if_range: there.validator }),
    ...(signal === undefined ? {} : { signal }),
  });
  // A server that ignores the range, or whose file has changed, sends all of it.
  const from = answer.kind === 'rest' ? there.bytes : 0;
  await writeFile(`${target}.part.json`, JSON.stringify({ url: request.url, validator: answer.validator ?? null }));
  const file = await open(`${target}.part`, from === 0 ? 'w' : 'a');
  try {
    await copyBody({ answer, file, from, request });
    await file.sync();
  } finally {
    await file.close();
  }
}

async function copyBody(copy: {
  answer: RangeAnswer;
  file: FileHandle;
  from: number;
  request: DownloadRequest;
}): Promise<void> {
  const { answer, file, request } = copy;
  let written = copy.from;
  for await (const chunk of answer.body) {
    written += chunk.byteLength;
    if (written > request.bytes) {
      await forget(request.target);
      throw new DownloadedFileWrongError(`${request.url}: expected ${request.bytes} bytes, got more; removed`);
    }
    await file.write(chunk);
    request.onProgress?.({ bytes: written, bytes_total: request.bytes });
  }
}

interface ResumePoint {
  readonly bytes: number;
  /** ETag or Last-Modified of the answer that the bytes came from. */
  readonly validator?: string;
}

async function resumePoint({ target, url, bytes }: DownloadRequest): Promise<ResumePoint> {
  const size = await sizeOf(`${target}.part`);
  const noted = await readFile(`${target}.part.json`, 'utf8').catch(() => '');
  const note: unknown = noted === '' ? undefined : parsed(noted);
  if (size <= 0 || size > bytes || !isNote(note) || note.url !== url) return { bytes: 0 };
  if (note.validator !== null) return { bytes: size, validator: note.validator };
  // Without a validator nobody can say whether the rest belongs to the beginning.
  return { bytes: 0 };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isNote(value: unknown): value is { url: string; validator: string | null } {
  if (typeof value !== 'object' || value === null || !('url' in value) || !('validator' in value)) return false;
  return typeof value.url === 'string' && (value.validator === null || typeof value.validator === 'string');
}

async function forget(target: string): Promise<void> {
  await rm(`${target}.part`, { force: true });
  await rm(`${target}.part.json`, { force: true });
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => -1,
  );
}

async function digestOf(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash;
}

/** A rename is durable once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
