/** What `add-checkpoint` of C2SP `tlog-witness` answers. */
export type Cosigning =
  /** One signature line, with its newline. */
  | { readonly kind: 'cosigned'; readonly line: string; readonly size: number }
  /** `old` is not the size that was cosigned last: that is `size`. */
  | { readonly kind: 'elsewhere'; readonly size: number }
  | { readonly kind: 'refused'; readonly why: CosigningRefusal; readonly reason: string; readonly detail: string };

export type CosigningRefusal =
  | 'malformed'
  /** No log of this origin is configured. */
  | 'unknown'
  /** None of its known keys signed. */
  | 'unsigned'
  /** Another root at the size that was cosigned. */
  | 'contradicts'
  /** The proof does not carry it. */
  | 'unproved';

/** A log that is witnessed here. */
export interface WitnessedLog {
  readonly origin: string;
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
  /** Unix seconds; absent before the first. */
  readonly last_cosigned?: number;
  /** Unix seconds at which the log first showed a second history, which is kept as proof. */
  readonly contradicted_at?: number;
}

export interface WitnessFacts {
  readonly name: string;
  /** What a log or a reader puts into its configuration or policy. */
  readonly vkey: string;
}

/** Watches logs of others and cosigns that each only grows. */
export interface Witness {
  /** Body of the request as it came. */
  addCheckpoint(body: Uint8Array): Promise<Cosigning>;
  /** Name and key; undefined while no log is configured and no key was made. */
  facts(): Promise<WitnessFacts | undefined>;
  /** By origin, the configured ones alone. */
  logs(): Promise<readonly WitnessedLog[]>;
}
