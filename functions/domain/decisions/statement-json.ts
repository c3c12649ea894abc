import type { Json } from '../json.ts';

const text_max = 256;

/** What a statement may hold: no lone surrogate, no noncharacter. */
const unsignable = /[\p{Surrogate}\p{Noncharacter_Code_Point}]/gu;

/** The signer takes 32 levels; what stands in a statement is flat, and deeper text is a stranger's. */
const depth_max = 8;

/**
 * `value` as a statement may carry it, so that no name or number a client chose can make its receipt impossible:
 * characters outside I-JSON become U+FFFD, texts are cut at 256 code units, integers beyond 2^53 become text, `-0` 0,
 * what is no number null, what lies deeper than 8 levels `…`. The content records hold the original.
 */
export function statementJson(value: Json | undefined, depth = 0): Json {
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? null;
  if (typeof value === 'string') return statementText(value);
  if (typeof value === 'number') return statementNumber(value);
  if (depth >= depth_max) return '…';
  if (Array.isArray(value)) return value.map((element: Json) => statementJson(element, depth + 1));
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [statementText(name), statementJson(member, depth + 1)]));
}

function statementText(text: string): string {
  const cut = text.length <= text_max ? text : `${text.slice(0, text_max - 1)}…`;
  return cut.replace(unsignable, '\uFFFD');
}

function statementNumber(number: number): Json {
  if (!Number.isFinite(number)) return null;
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) return String(number);
  return number === 0 ? 0 : number;
}
