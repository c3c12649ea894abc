/** Half-open byte range `[from, to)`; `to` past the end is cut to it. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

export interface ObjectHead {
  /** Opaque version tag of the content; changes whenever the content does. */
  readonly etag: string;
  readonly bytes: number;
}

export interface ObjectBody extends ObjectHead {
  readonly body: Uint8Array;
}

export interface PutOptions {
  /** Refuse if an object is there. */
  readonly ifAbsent?: boolean;
  /** Refuse unless the object there has this tag. */
  readonly ifMatch?: string;
  /** Default true: on disk before the answer. False: may be lost with the power, never torn. */
  readonly durable?: boolean;
}

export type PutResult =
  | { readonly kind: 'written'; readonly etag: string }
  | { readonly kind: 'refused'; readonly etag: string | undefined };

export interface ObjectPage {
  readonly keys: readonly string[];
  readonly cursor?: string;
}

/**
 * Whole objects by key. A key is 1..1,024 bytes of segments joined by `/`; an absolute key, an empty segment, `.`, `..`,
 * NUL, a backslash or a segment of over 200 bytes is a `TypeError`, before any storage is touched. No key may continue
 * another (`a` and `a/b`): where the storage is a file system, that is a `TypeError` too. Conditional puts are
 * compare-and-swap; a crash leaves the old object or the new one, never a part.
 */
export interface Objects {
  get(key: string, range?: ByteRange): Promise<ObjectBody | undefined>;
  head(key: string): Promise<ObjectHead | undefined>;
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult>;
  /** Keys in byte order that start with `prefix`; at most `limit` (1..1000) a page. */
  list(request: { prefix: string; cursor?: string; limit: number }): Promise<ObjectPage>;
  /** Deleting what is not there succeeds. */
  delete(key: string): Promise<void>;
}

/** The storage did not answer, or something that is not ours lies where the object should be. */
export class ObjectsUnavailableError extends Error {
  override readonly name = 'ObjectsUnavailableError';
  readonly operation: string;
  readonly retryable: boolean;

  constructor(facts: { operation: string; retryable: boolean }, options?: { cause?: unknown }) {
    super(`the object store did not take \`${facts.operation}\``, options);
    this.operation = facts.operation;
    this.retryable = facts.retryable;
  }
}
