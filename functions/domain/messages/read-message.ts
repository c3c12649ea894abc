import type { Json, JsonObject } from '../json.ts';
import { documentKind } from '../receipts/statement-types.ts';

/** What stands in an envelope of type `application/vnd.signet.message.v1+json`. */
export interface Message {
  readonly v: 1;
  readonly kind: MessageKind;
  readonly iss: string;
  /** A did, or `*` for everybody, which only public kinds take. */
  readonly aud: string;
  /** Unix seconds. */
  readonly iat: number;
  readonly exp: number;
  /** base64url of 16 bytes. */
  readonly jti: string;
  readonly con: string;
  readonly del: string;
  readonly body: JsonObject;
}

export type MessageKind = 'control' | 'document';

export type ReadMessage =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly code: string };

/** Kinds that may be for everybody. */
export const publicKinds: ReadonlySet<string> = new Set([documentKind]);

const names = ['v', 'kind', 'iss', 'aud', 'iat', 'exp', 'jti', 'con', 'del', 'body'] as const;
const digest = /^[0-9a-f]{64}$/;
const did = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,200}$/;
/** 16 bytes leave four spare bits in the last character, which are zero in the one spelling. */
const jti = /^[A-Za-z0-9_-]{21}[AQgw]$/;

/** Reads verified, canonical payload bytes: `schema.missing`, `schema.unknown` (version, kind) or `schema.mismatch`. */
export function readMessage(payload: Uint8Array): ReadMessage {
  const value = JSON.parse(new TextDecoder().decode(payload)) as JsonObject;
  if (names.some((name) => !Object.hasOwn(value, name))) return { ok: false, code: 'schema.missing' };
  if (value['v'] !== 1 || !isKind(value['kind'])) return { ok: false, code: 'schema.unknown' };
  const fits =
    Object.keys(value).length === names.length &&
    isText(value['iss'], did) &&
    (value['aud'] === '*' || isText(value['aud'], did)) &&
    isSecond(value['iat']) &&
    isSecond(value['exp']) &&
    isText(value['jti'], jti) &&
    isText(value['con'], digest) &&
    isText(value['del'], digest) &&
    isObject(value['body']);
  if (!fits) return { ok: false, code: 'schema.mismatch' };
  return { ok: true, message: value as unknown as Message };
}

function isKind(value: Json | undefined): value is MessageKind {
  return value === 'control' || value === 'document';
}

function isText(value: Json | undefined, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}

function isSecond(value: Json | undefined): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
