import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { applyUpdate, expiryOf } from '../../domain/ports/judge-item.ts';
import { itemText } from '../../domain/ports/table-rules.ts';
import type { Item, Operation } from '../../domain/ports/table.ts';
import { conditionText, expressions, isRevision } from './expressions.ts';
import { toAttributes } from './item-attributes.ts';
import type { Stored } from './item-attributes.ts';
import { toKey } from './read-rows.ts';

/** One operation's part of a transaction. */
export interface Plan {
  /** Undefined for a check of nothing. */
  readonly write: TransactWriteItem | undefined;
  /** What the operation leaves. */
  readonly item: Item | undefined;
}

interface PlanFacts {
  readonly now: number;
  readonly table: string;
  readonly revision: string;
  /** Items take the least room: the transaction is large. */
  readonly is_packed?: boolean;
}

/** A part that carries its conditions along. Not for updates: their result is not known without reading. */
export function planUnread(operation: Exclude<Operation, never>, { now, table, revision, ...room }: PlanFacts): Plan {
  const parts = expressions();
  const condition = conditionText(operation.conditions ?? [], now, parts);
  const common = commonOf(table, condition, parts.members());
  switch (operation.kind) {
    case 'put':
      return {
        write: { Put: { ...common, Item: toAttributes(operation.key, operation.item, revision, room) } },
        item: operation.item,
      };
    case 'delete':
      return { write: { Delete: { ...common, Key: toKey(operation.key) } }, item: undefined };
    case 'check': {
      if (condition === undefined) return { write: undefined, item: undefined };
      const check = { ...common, ConditionExpression: condition, Key: toKey(operation.key) };
      return { write: { ConditionCheck: check }, item: undefined };
    }
    case 'update':
      throw new Error('an update is planned after reading');
    default:
      return operation satisfies never;
  }
}

/** A part that holds only if the item is still the one that was read and judged. Throws `TypeError` for a broken update. */
export function planAfterReading(
  operation: Operation,
  stored: Stored | undefined,
  { now, table, revision, ...room }: PlanFacts,
): Plan {
  const parts = expressions();
  const condition = isRevision(stored?.revision, parts);
  const common = { ...commonOf(table, condition, parts.members()), ConditionExpression: condition };
  const put = (item: Item): Plan => {
    itemText(item);
    expiryOf(item);
    return { write: { Put: { ...common, Item: toAttributes(operation.key, item, revision, room) } }, item };
  };
  switch (operation.kind) {
    case 'put':
      return put(operation.item);
    case 'update':
      return put(applyUpdate(liveItem(stored, now) ?? {}, operation));
    case 'delete':
      return { write: { Delete: { ...common, Key: toKey(operation.key) } }, item: undefined };
    case 'check':
      return { write: { ConditionCheck: { ...common, Key: toKey(operation.key) } }, item: undefined };
    default:
      return operation satisfies never;
  }
}

/** The item, unless it has expired at `now`. */
export function liveItem(stored: Stored | undefined, now: number): Item | undefined {
  if (stored === undefined) return undefined;
  const expires_at = expiryOf(stored.item);
  return expires_at === null || expires_at * 1000 > now ? stored.item : undefined;
}

function commonOf(table: string, condition: string | undefined, members: object) {
  return {
    TableName: table,
    ...(condition === undefined ? {} : { ConditionExpression: condition }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    ...members,
  };
}
