import type { Query, Row, Table } from './table.ts';

/** Every row that a query finds, in its order, page by page as they are asked for. `limit` is of a page. */
export async function* allRows(table: Pick<Table, 'query'>, query: PagedQuery, now: () => number): AsyncGenerator<Row> {
  for await (const rows of allPages(table, query, now)) yield* rows;
}

/** The same for whoever works on a page at once. The last page may be empty. */
export async function* allPages(
  table: Pick<Table, 'query'>,
  query: PagedQuery,
  now: () => number,
): AsyncGenerator<readonly Row[]> {
  let cursor: string | undefined;
  do {
    const page = await table.query(cursor === undefined ? query : { ...query, cursor }, now());
    yield page.rows;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

type PagedQuery = Omit<Query, 'cursor'>;
