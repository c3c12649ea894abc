import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Condition, Update } from '../../domain/ports/table.ts';
import { attributeName, attributeValue, isSoundName, packed_name, revision_name } from './item-attributes.ts';
import { isNativeNumber } from './native-value.ts';

/** Names and values of one request's expressions. */
export interface Expressions {
  name(attribute: string): string;
  value(value: AttributeValue): string;
  /** The request's members; absent where nothing was named. */
  members(): {
    ExpressionAttributeNames?: Record<string, string>;
    ExpressionAttributeValues?: Record<string, AttributeValue>;
  };
}

export function expressions(): Expressions {
  const names = new Map<string, string>();
  const values: AttributeValue[] = [];
  return {
    name(attribute) {
      const known = names.get(attribute) ?? `#n${names.size}`;
      names.set(attribute, known);
      return known;
    },
    value(value) {
      values.push(value);
      return `:v${values.length - 1}`;
    },
    members() {
      const ExpressionAttributeNames = Object.fromEntries([...names].map(([attribute, text]) => [text, attribute]));
      const ExpressionAttributeValues = Object.fromEntries(values.map((value, index) => [`:v${index}`, value]));
      return {
        ...(names.size > 0 ? { ExpressionAttributeNames } : {}),
        ...(values.length > 0 ? { ExpressionAttributeValues } : {}),
      };
    },
  };
}

/**
 * Holds only if all `conditions` do at `now`; undefined for none. It may fail although they hold, where a value has no
 * form that DynamoDB compares: the caller judges the item that a refusal brings.
 */
export function conditionText(conditions: readonly Condition[], now: number, parts: Expressions): string | undefined {
  if (conditions.length === 0) return undefined;
  const texts = new Set<string>();
  if (conditions.some(({ kind }) => kind !== 'absent')) {
    texts.add(`attribute_exists(${parts.name('pk')})`);
    texts.add(isLive(now, parts));
  }
  for (const condition of conditions) texts.add(oneCondition(condition, now, parts));
  return [...texts].join(' AND ');
}

/** An item that has not expired; an absent one passes too. */
export function isLive(now: number, parts: Expressions): string {
  const field = parts.name('expires_at');
  return `(attribute_not_exists(${field}) OR ${field} > ${parts.value(seconds(now))})`;
}

/** Just the item that a read met: `undefined` for none. */
export function isRevision(revision: string | undefined, parts: Expressions): string {
  if (revision === undefined) return `attribute_not_exists(${parts.name('pk')})`;
  // A row that another program wrote has no revision; its first change here gives it one.
  if (revision === '')
    return `attribute_exists(${parts.name('pk')}) AND attribute_not_exists(${parts.name(revision_name)})`;
  return `${parts.name(revision_name)} = ${parts.value({ S: revision })}`;
}

/**
 * The update and what must hold for it to be exact: every field lies in an attribute of its own, an expired item does not
 * lend its fields, and what is added to is a number. Undefined when no expression says what the update does.
 */
export function updateText(
  { set = {}, add = {}, remove = [] }: Update,
  { now, revision, parts }: { now: number; revision: string; parts: Expressions },
): { update: string; guard: string } | undefined {
  const fields = [...Object.keys(set), ...Object.keys(add), ...remove];
  if (!fields.every(isSoundName) || Object.hasOwn(add, 'expires_at')) return undefined;
  if (!Object.values(add).every(isNativeNumber)) return undefined;
  const sets = [`${parts.name(revision_name)} = ${parts.value({ S: revision })}`];
  for (const [field, value] of Object.entries(set)) {
    sets.push(`${parts.name(attributeName(field))} = ${parts.value(attributeValue(value))}`);
  }
  const guards = [isLive(now, parts), `attribute_not_exists(${parts.name(packed_name)})`];
  const adds: string[] = [];
  for (const [field, amount] of Object.entries(add)) {
    const name = parts.name(attributeName(field));
    guards.push(`(attribute_not_exists(${name}) OR attribute_type(${name}, ${parts.value({ S: 'N' })}))`);
    adds.push(`${name} ${parts.value({ N: String(amount) })}`);
  }
  const removes = [...new Set(remove)].map((field) => parts.name(attributeName(field)));
  const clauses = [`SET ${sets.join(', ')}`];
  if (adds.length > 0) clauses.push(`ADD ${adds.join(', ')}`);
  if (removes.length > 0) clauses.push(`REMOVE ${removes.join(', ')}`);
  return { update: clauses.join(' '), guard: guards.join(' AND ') };
}

function oneCondition(condition: Condition, now: number, parts: Expressions): string {
  switch (condition.kind) {
    case 'absent':
      return `(attribute_not_exists(${parts.name('pk')}) OR ${parts.name('expires_at')} <= ${parts.value(seconds(now))})`;
    case 'exists':
      return `attribute_exists(${parts.name('pk')})`;
    case 'equals':
      return equals(condition.field, condition.value, parts);
    case 'versionIs':
      return equals('version', condition.version, parts);
    case 'less':
      if (!isSoundName(condition.field) || !isNativeNumber(condition.value)) return nothing(parts);
      return `${parts.name(attributeName(condition.field))} < ${parts.value({ N: String(condition.value) })}`;
    default:
      return condition satisfies never;
  }
}

function equals(field: string, value: string | number | boolean | null, parts: Expressions): string {
  if (!isSoundName(field) || (typeof value === 'number' && !Number.isFinite(value))) return nothing(parts);
  const name = parts.name(attributeName(field));
  if (value === null) return `attribute_type(${name}, ${parts.value({ S: 'NULL' })})`;
  return `${name} = ${parts.value(attributeValue(value))}`;
}

/** Holds of no item that is there: the judgement falls to the reader. */
function nothing(parts: Expressions): string {
  return `attribute_not_exists(${parts.name('pk')})`;
}

function seconds(now: number): AttributeValue {
  return { N: String(Math.floor(now / 1000)) };
}
