import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';

export interface StoredScript {
  readonly name: string;
  /** SHA-256 of the source's UTF-8 bytes: the version. */
  readonly digest: string;
  readonly source: string;
  /** Unix seconds. */
  readonly created: number;
}

export interface Scripts {
  put(call: Call, request: { name: string; source: string }): Promise<Judged<StoredScript>>;
  /** The newest version, or the one with this digest. */
  get(call: Call, request: { name: string; digest?: string }): Promise<StoredScript>;
  list(call: Call): Promise<readonly Omit<StoredScript, 'source'>[]>;
  /** For runs and tools: source by digest within the caller's tenant. */
  byDigest(tenant: string, digest: string): Promise<string | undefined>;
}
