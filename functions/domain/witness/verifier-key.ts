/** `<name>+<id>+<base64 of kind and key>`, as C2SP `signed-note` writes the key that a signature line is verified with. */
export interface VerifierKeyText {
  readonly name: string;
  /** 4 bytes, lower-case hex. */
  readonly id: string;
  /** 1 signs notes as a log does, 4 cosigns them as a witness does. */
  readonly kind: number;
  /** 32 bytes. */
  readonly public_key: Uint8Array;
}

/** Undefined for any other form; whether the id is the key's own is not looked at. */
export function readVerifierKey(text: string): VerifierKeyText | undefined {
  const [, name, id, encoded] = vkeyForm.exec(text) ?? [];
  if (name === undefined || id === undefined || encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes.toString('base64') !== encoded) return undefined;
  return { name, id, kind: bytes[0] ?? 0, public_key: bytes.subarray(1) };
}

/** Kind of a log's key, and of a witness's. */
export const logKind = 1;
export const witnessKind = 4;

/** Names are at most 256 characters here; the specification has no bound. */
const vkeyForm = /^([^\s+\p{Cc}]{1,256})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/u;
