import type { z } from '@hono/zod-openapi';
import { SignetError } from '../domain/errors.ts';

/** @throws {SignetError} 400 naming the field at fault; the first fault is enough, and each is one thing to do */
export function checkInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const fault = firstFault(result.error.issues, []);
  throw new SignetError({
    code: fault.unsupported ? 'unsupported_parameter' : 'invalid_request',
    detail: fault.detail,
    ...(fault.param === '' ? {} : { param: fault.param }),
  });
}

/**
 * A field that exists in the protocol but not here: in a schema, `unsupported()` refuses it as `unsupported_parameter`,
 * which tells a client more than that the field were unknown.
 */
export const unsupportedMark = 'unsupported_parameter';

interface Issue {
  readonly code?: string;
  readonly message: string;
  readonly path: readonly PropertyKey[];
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
  readonly params?: { readonly [name: string]: unknown } | undefined;
}

interface Fault {
  readonly detail: string;
  readonly param: string;
  readonly unsupported: boolean;
}

function firstFault(issues: readonly Issue[], base: readonly PropertyKey[]): Fault {
  const issue = issues[0];
  if (issue === undefined)
    return { detail: 'the request does not fit its schema', param: nameOf(base), unsupported: false };
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys' && issue.keys?.[0] !== undefined) {
    const param = nameOf([...path, issue.keys[0]]);
    return { detail: `unknown field \`${shorten(issue.keys[0])}\``, param, unsupported: false };
  }
  if (issue.code === 'invalid_union' && issue.errors !== undefined && issue.errors.length > 0) {
    return firstFault(nearest(issue.errors), path);
  }
  const detail = lowerFirst(issue.message);
  return { detail, param: nameOf(path), unsupported: issue.params?.['mark'] === unsupportedMark };
}

/** Of the alternatives of a union, the one that got furthest into the input: the one that was probably meant. */
function nearest(alternatives: readonly (readonly Issue[])[]): readonly Issue[] {
  const depthOf = (issues: readonly Issue[]): number => issues[0]?.path.length ?? 0;
  return alternatives.reduce((best, next) => (depthOf(next) > depthOf(best) ? next : best));
}

/** `messages[0].content` */
function nameOf(path: readonly PropertyKey[]): string {
  let name = '';
  for (const part of path) {
    if (typeof part === 'number') name += `[${part}]`;
    else name += name === '' ? shorten(String(part)) : `.${shorten(String(part))}`;
  }
  return name.slice(0, 256);
}

/** A name from a client goes back to it at most so long, and printable. */
function shorten(name: string): string {
  const printable = name.replace(/[^\x20-\x7e\u00a1-\uffef]/g, '?');
  return printable.length > 64 ? `${printable.slice(0, 64)}…` : printable;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
