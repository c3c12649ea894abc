import type { JsonObject } from '../json.ts';
import { statementType } from '../receipts/statement-types.ts';

export interface SignedSubject {
  readonly name: string;
  readonly digest: { readonly [algorithm: string]: string };
}

/** A statement with its head, as a verifier reads it. */
export interface SignedStatement {
  readonly subject: readonly SignedSubject[];
  readonly predicate_type: string;
  readonly predicate: JsonObject;
  readonly head: {
    readonly iss: string;
    readonly iat: number;
    readonly con: string;
    /** The one statement without it is the delegation itself. */
    readonly del?: string;
    readonly req: string;
    readonly n: number;
  };
}

const statementMembers = ['_type', 'predicate', 'predicateType', 'subject'];
const digest = /^[0-9a-f]{64}$/;

/** Reads verified payload bytes; undefined if they are no statement with a whole head. */
export function readStatement(payload: Uint8Array): SignedStatement | undefined {
  const value: unknown = JSON.parse(new TextDecoder().decode(payload));
  if (!isObject(value) || Object.keys(value).sort().join() !== statementMembers.join()) return undefined;
  const { _type, predicate, predicateType, subject } = value;
  if (_type !== statementType || typeof predicateType !== 'string' || !isObject(predicate)) return undefined;
  if (!Array.isArray(subject) || subject.length === 0 || !subject.every(isSubject)) return undefined;
  const { v, iss, iat, con, del, req, n } = predicate;
  if (v !== 1 || typeof iss !== 'string' || !isCount(iat) || !isCount(n) || typeof req !== 'string') return undefined;
  if (typeof con !== 'string' || !digest.test(con)) return undefined;
  if (del !== undefined && (typeof del !== 'string' || !digest.test(del))) return undefined;
  return {
    subject,
    predicate_type: predicateType,
    predicate,
    head: { iss, iat, con, req, n, ...(del === undefined ? {} : { del }) },
  };
}

function isSubject(value: unknown): value is SignedSubject {
  if (!isObject(value) || typeof value['name'] !== 'string' || !isObject(value['digest'])) return false;
  const digests = Object.values(value['digest']);
  return digests.length > 0 && digests.every((text) => typeof text === 'string' && digest.test(text));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
