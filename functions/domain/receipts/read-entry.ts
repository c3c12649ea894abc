/** What a stored entry says, as far as it can be read. */
export interface ReadEntry {
  /** `predicateType` of its statement. */
  readonly type: string;
  readonly predicate: EntryFields;
}

export type EntryFields = { readonly [name: string]: unknown };

/**
 * Reads the statement out of an entry's bytes and trusts nothing of it: no signature is checked here. For what counts or
 * tells entries that this node itself stored.
 */
export function readEntry(entry: Uint8Array | string): ReadEntry | undefined {
  try {
    const envelope = fieldsOf(JSON.parse(typeof entry === 'string' ? entry : new TextDecoder().decode(entry)));
    const payload = envelope?.['payload'];
    if (typeof payload !== 'string') return undefined;
    const statement = fieldsOf(JSON.parse(Buffer.from(payload, 'base64').toString()));
    const predicate = fieldsOf(statement?.['predicate']);
    const type = statement?.['predicateType'];
    return predicate === undefined || typeof type !== 'string' ? undefined : { type, predicate };
  } catch {
    return undefined;
  }
}

/** The value as an object, if it is one. */
export function fieldsOf(value: unknown): EntryFields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as EntryFields) : undefined;
}

/** A stream has two decisions; this is the first, whose end another one tells. */
export function isOpening({ facts, parents, code }: EntryFields): boolean {
  return fieldsOf(facts)?.['stream'] === true && code === 'ok' && Array.isArray(parents) && parents.length === 0;
}

/** Whether a decision refused: by policy, or by a gate, a budget, a signature that policy let through. */
export function isRefusal({ effect, code }: EntryFields): boolean {
  return effect === 'deny' || (typeof code === 'string' && refusing.has(code));
}

const refusing = new Set([
  'policy_denied',
  'gate_refused',
  'signature_refused',
  'price_unknown',
  'insufficient_quota',
  'replay',
  'approval_mismatch',
]);
