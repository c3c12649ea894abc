import { BatchGetItemCommand, GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient, QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { cursorAfter, readCursor } from '../../domain/ports/query-cursor.ts';
import type { Key, Page, Query, Row } from '../../domain/ports/table.ts';
import { UnprocessedError } from '../aws/call-failure.ts';
import { repeatCall } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { expressions, isLive } from './expressions.ts';
import type { Expressions } from './expressions.ts';
import { fromAttributes } from './item-attributes.ts';
import type { Attributes, Stored } from './item-attributes.ts';

export interface Rows {
  /** What is stored, expired or not. */
  one(key: Key): Promise<Stored | undefined>;
  /** Up to 100 keys, answers in their order. */
  many(keys: readonly Key[]): Promise<(Stored | undefined)[]>;
  page(query: Query, now: number): Promise<Page>;
}

/** Strongly consistent reads. */
export function readRows({ client, name, rules }: { client: DynamoDBClient; name: string; rules: RepeatRules }): Rows {
  async function one(key: Key): Promise<Stored | undefined> {
    const command = new GetItemCommand({ TableName: name, Key: toKey(key), ConsistentRead: true });
    const { Item } = await repeatCall(() => client.send(command), { rules });
    return Item === undefined ? undefined : fromAttributes(Item);
  }

  async function many(keys: readonly Key[]): Promise<(Stored | undefined)[]> {
    const [only, ...others] = keys;
    if (only === undefined) return [];
    if (others.length === 0) return [await one(only)];
    const found = new Map<string, Stored>();
    let missing: Attributes[] = keys.map(toKey);
    await repeatCall(
      async () => {
        const RequestItems = { [name]: { Keys: missing, ConsistentRead: true } };
        const { Responses = {}, UnprocessedKeys = {} } = await client.send(new BatchGetItemCommand({ RequestItems }));
        for (const attributes of Responses[name] ?? []) found.set(identityOf(attributes), fromAttributes(attributes));
        missing = UnprocessedKeys[name]?.Keys ?? [];
        // What was left out comes later: too much for one answer, or more than the partition gives at the moment.
        if (missing.length > 0) throw new UnprocessedError('some keys were left out');
      },
      { rules },
    );
    return keys.map((key) => found.get(identityOf(toKey(key))));
  }

  return {
    one,
    many,

    async page(query, now) {
      const { limit } = query;
      const input = queryInput(query, now);
      if (input === undefined) return { rows: [] };
      const rows: Row[] = [];
      let start = query.cursor === undefined ? undefined : toKey({ pk: query.pk, sk: readCursor(query, query.cursor) });
      // One row more than asked for tells whether there is a next page. A look at expired rows brings none of them, so
      // later looks are wider.
      for (let wanted = limit + 1; ; wanted = Math.max(limit + 1 - rows.length, 100)) {
        const command = new QueryCommand({
          ...input,
          TableName: name,
          Limit: wanted,
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        });
        const { Items = [], LastEvaluatedKey } = await repeatCall(() => client.send(command), { rules });
        rows.push(...Items.map((item) => ({ sk: item['sk']?.S ?? '', item: fromAttributes(item).item })));
        if (rows.length > limit || LastEvaluatedKey === undefined) break;
        start = LastEvaluatedKey as typeof start;
      }
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return rows.length > limit && last !== undefined
        ? { rows: page, cursor: cursorAfter(query, last.sk) }
        : { rows: page };
    },
  };
}

export function toKey({ pk, sk }: Key) {
  return { pk: { S: pk }, sk: { S: sk } };
}

function identityOf({ pk, sk }: Attributes): string {
  return `${pk?.S}\0${sk?.S}`;
}

/** Undefined for a range that holds nothing: DynamoDB takes that for a mistake. */
function queryInput(query: Query, now: number): Partial<QueryCommandInput> | undefined {
  const parts = expressions();
  const range = rangeText(query, parts);
  if (range === undefined) return undefined;
  return {
    KeyConditionExpression: [`${parts.name('pk')} = ${parts.value({ S: query.pk })}`, ...range].join(' AND '),
    FilterExpression: isLive(now, parts),
    ConsistentRead: true,
    ScanIndexForward: query.reverse !== true,
    ...parts.members(),
  };
}

/** An empty text bounds nothing from below and everything from above; a key value must not be empty. */
function rangeText({ prefix = '', from = '', to }: Query, parts: Expressions): string[] | undefined {
  const text = (value: string) => parts.value({ S: value });
  if (to === '') return undefined;
  if (from !== '' && to !== undefined && Buffer.compare(Buffer.from(from), Buffer.from(to)) > 0) return undefined;
  if (prefix !== '') return [`begins_with(${parts.name('sk')}, ${text(prefix)})`];
  if (from !== '' && to !== undefined) return [`${parts.name('sk')} BETWEEN ${text(from)} AND ${text(to)}`];
  if (from !== '') return [`${parts.name('sk')} >= ${text(from)}`];
  return to === undefined ? [] : [`${parts.name('sk')} <= ${text(to)}`];
}
