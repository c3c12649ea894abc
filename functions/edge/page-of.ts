import { SignetError } from '../domain/errors.ts';

/** One page of a list, and the text that asks for the next. */
export interface ListPage<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/**
 * The page of `all` (in ascending order of `name`) that follows `cursor`. A cursor holds the last name of its page, so it
 * stays good when items come and go.
 * @throws {SignetError} 400 for a cursor that nobody gave out
 */
export function pageOf<T>(
  all: readonly T[],
  { name, limit, cursor }: { name: (item: T) => string; limit: number; cursor?: string | undefined },
): ListPage<T> {
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const rest = after === undefined ? all : all.filter((item) => name(item) > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return rest.length > limit && last !== undefined
    ? { items, next: Buffer.from(name(last)).toString('base64url') }
    : { items };
}

function readCursor(cursor: string): string {
  const name = Buffer.from(cursor, 'base64url').toString();
  if (name !== '' && Buffer.from(name).toString('base64url') === cursor) return name;
  throw new SignetError({ code: 'invalid_request', detail: 'expected a cursor as a page gave it', param: 'cursor' });
}
