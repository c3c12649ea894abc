/** An entry that waits, with the place of its row. */
export interface PendingEntry {
  readonly pk: string;
  readonly sk: string;
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** What one round appends; with it the round can be done again, with the same bytes, by whoever comes next. */
export interface Staged {
  readonly rows: readonly { readonly pk: string; readonly sk: string; readonly id: string }[];
  /** A bundle: each entry with its length in two bytes, big-endian, before it. */
  readonly entries: Uint8Array;
}

export function stagedOf(pending: readonly PendingEntry[]): Staged {
  const parts = pending.flatMap(({ bytes }) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return [length, bytes];
  });
  return { rows: pending.map(({ pk, sk, id }) => ({ pk, sk, id })), entries: Buffer.concat(parts) };
}

/** One line of JSON, then the bundle. */
export function writeStaged({ rows, entries }: Staged): Uint8Array {
  return Buffer.concat([Buffer.from(`${JSON.stringify({ rows })}\n`), entries]);
}

export function readStaged(bytes: Uint8Array): Staged {
  const end = bytes.indexOf(0x0a);
  const { rows } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as Pick<Staged, 'rows'>;
  return { rows, entries: bytes.subarray(end + 1) };
}
