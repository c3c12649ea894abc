import {
  DeleteItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
  TransactionCanceledException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { CancellationReason, DynamoDBClient, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { brokenCondition } from '../../domain/ports/judge-item.ts';
import type { Item, Operation, Put, Refused, Update, Written } from '../../domain/ports/table.ts';
import { OutcomeUnknownError, OvertakenError } from '../aws/call-failure.ts';
import { CallFailedError, repeatCall } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { conditionText, expressions, updateText } from './expressions.ts';
import { fromAttributes, itemBytes, toAttributes } from './item-attributes.ts';
import type { Attributes, Stored } from './item-attributes.ts';
import { liveItem, planAfterReading, planUnread } from './plan-operation.ts';
import type { Plan } from './plan-operation.ts';
import { toKey } from './read-rows.ts';
import type { Rows } from './read-rows.ts';
import { takeTurns } from './take-turns.ts';

export interface WriterOptions {
  readonly client: DynamoDBClient;
  readonly name: string;
  readonly rows: Rows;
  readonly rules: RepeatRules;
  /** A text that no other write has. */
  readonly newRevision: () => string;
}

export type WriteRows = (operations: readonly Operation[], now: number) => Promise<Written | Refused>;

/**
 * Writes checked operations. One alone is one conditional request. Several are a transaction; those that need the item
 * (an update must answer what it leaves, and DynamoDB's transactions answer nothing) are read first and then replaced
 * on condition that their revision is still there. Where DynamoDB's refusal is not the port's, the same way is taken.
 */
export function writeRows({ client, name, rows, rules, newRevision }: WriterOptions): WriteRows {
  const inTurn = takeTurns();

  async function putOne(operation: Put, now: number): Promise<Written | Refused> {
    const revision = newRevision();
    const parts = expressions();
    const condition = conditionText(operation.conditions ?? [], now, parts);
    const command = new PutItemCommand({
      TableName: name,
      Item: toAttributes(operation.key, operation.item, revision),
      ...(condition === undefined ? {} : { ConditionExpression: condition }),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ...parts.members(),
    });
    const refusal = await refusalOf(repeatCall(() => client.send(command), { rules }));
    // The first attempt was carried out, its answer lost, and this is the second one meeting its work.
    const is_done = refusal === undefined || refusal.stored?.revision === revision;
    if (is_done) return { kind: 'written', items: [operation.item] };
    checkDoubt(refusal);
    return judge(operation, refusal.stored, now);
  }

  async function updateOne(operation: Update, now: number): Promise<Written | Refused> {
    const revision = newRevision();
    const parts = expressions();
    const conditions = conditionText(operation.conditions ?? [], now, parts);
    const text = updateText(operation, { now, revision, parts });
    if (text === undefined) return writeAll([operation], now);
    const command = new UpdateItemCommand({
      TableName: name,
      Key: toKey(operation.key),
      UpdateExpression: text.update,
      ConditionExpression: conditions === undefined ? text.guard : `${conditions} AND ${text.guard}`,
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ...parts.members(),
    });
    const adds = Object.keys(operation.add ?? {}).length > 0;
    try {
      const { Attributes = {} } = await repeatCall(() => client.send(command), {
        rules,
        final: adds ? ['unknown'] : [],
      });
      return { kind: 'written', items: [fromAttributes(Attributes).item] };
    } catch (error) {
      if (isNamed(error, 'ValidationException')) return writeAll([operation], now);
      if (error instanceof CallFailedError && error.failure === 'unknown' && adds) {
        const stored = await rows.one(operation.key);
        if (stored?.revision === revision) return { kind: 'written', items: [stored.item] };
        // Adding again could count twice.
        throw new OutcomeUnknownError('the answer to an addition was lost', { cause: error });
      }
      const refusal = await refusalOf(Promise.reject(error));
      if (refusal?.stored?.revision === revision) return { kind: 'written', items: [refusal.stored.item] };
      checkDoubt(refusal);
      return judge(operation, refusal?.stored, now);
    }
  }

  /** The refusal of one operation; where all its conditions hold after all, the operation by way of reading. */
  async function judge(operation: Operation, stored: Stored | undefined, now: number): Promise<Written | Refused> {
    const refused = refusedOperation(operation, 0, stored, now);
    return refused ?? writeAll([operation], now, new Set([0]));
  }

  async function writeAll(
    operations: readonly Operation[],
    now: number,
    /** Indexes of operations that are read first. */
    reads = new Set<number>(),
  ): Promise<Written | Refused> {
    for (const [index, { kind }] of operations.entries()) if (kind === 'update') reads.add(index);
    // Writers of this process that would overtake each other wait instead; those of others are met by the revision.
    const names = [...reads].map((index) => keyOf(operations, index)).map(({ pk, sk }) => `${pk}\0${sk}`);
    const end = rules.clock() + rules.deadline_ms;
    return inTurn(names, () => {
      const deadline_ms = end - rules.clock();
      if (deadline_ms > 0) return attemptAll(operations, { now, reads, deadline_ms });
      const cause = new OvertakenError('other writers took all the time there was');
      throw new CallFailedError({ failure: 'busy', was_unheard: false }, { cause });
    });
  }

  async function attemptAll(
    operations: readonly Operation[],
    { now, reads, deadline_ms }: { now: number; reads: Set<number>; deadline_ms: number },
  ): Promise<Written | Refused> {
    return repeatCall(
      async () => {
        const read = [...reads];
        const found = await rows.many(read.map((index) => keyOf(operations, index)));
        const stored = new Map(read.map((index, place) => [index, found[place]]));
        const is_refused = read.some((index) => refusedAt(operations, index, stored.get(index), now) !== undefined);
        if (is_refused) return firstFault(operations, now);
        const plans = planAll(operations, { reads, stored, now });
        // A broken update is news only if no operation before it is refused.
        if (plans === undefined) return firstFault(operations, now);
        const items = plans.map(({ item }) => item);
        const numbered = plans.flatMap(({ write }, index) => (write === undefined ? [] : [{ write, index }]));
        if (numbered.length === 0) return { kind: 'written', items };
        const reasons = await sendTransaction(numbered.map(({ write }) => write));
        if (reasons === undefined) return { kind: 'written', items };
        return explainCancellation(operations, numbered, reasons);
      },
      { rules: { ...rules, deadline_ms } },
    );

    function explainCancellation(
      all: readonly Operation[],
      numbered: readonly { index: number }[],
      reasons: readonly CancellationReason[],
    ): Refused {
      for (const [place, { index }] of numbered.entries()) {
        const { Code, Item } = reasons[place] ?? {};
        if (Code !== 'ConditionalCheckFailed') continue;
        const refused = refusedAt(all, index, storedOf(Item), now);
        if (refused !== undefined) return refused;
        // Its conditions hold: it was overtaken after the reading, or is a case that only reading can judge.
        reads.add(index);
      }
      throw new OvertakenError('another writer came between');
    }
  }

  /** Undefined when an update is broken. */
  function planAll(
    operations: readonly Operation[],
    { reads, stored, now }: { reads: Set<number>; stored: Map<number, Stored | undefined>; now: number },
  ): readonly Plan[] | undefined {
    const plan = (is_packed: boolean): readonly Plan[] =>
      operations.map((operation, index) => {
        const facts = { now, table: name, revision: newRevision(), is_packed };
        return reads.has(index) ? planAfterReading(operation, stored.get(index), facts) : planUnread(operation, facts);
      });
    try {
      const plans = plan(false);
      return isLarge(plans) ? plan(true) : plans;
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  }

  /** Undefined when it was carried out, else the reasons why not. */
  async function sendTransaction(TransactItems: TransactWriteItem[]): Promise<CancellationReason[] | undefined> {
    // The token makes a repetition of this very request, whose answer was lost, the same transaction.
    const command = new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: newRevision() });
    try {
      await repeatCall(() => client.send(command), { rules });
      return undefined;
    } catch (error) {
      const cause = error instanceof CallFailedError ? error.cause : undefined;
      if (!(cause instanceof TransactionCanceledException)) throw error;
      const reasons = cause.CancellationReasons ?? [];
      if (reasons.some(({ Code }) => Code !== undefined && lasting_reasons.has(Code))) throw error;
      return reasons;
    }
  }

  /** The first operation that is refused or broken as the items are now, in the order of the operations. */
  async function firstFault(operations: readonly Operation[], now: number): Promise<Refused> {
    const found = await rows.many(operations.map(({ key }) => key));
    for (const [index, operation] of operations.entries()) {
      const refused = refusedOperation(operation, index, found[index], now);
      if (refused !== undefined) return refused;
      planAfterReading(operation, found[index], { now, table: name, revision: '' });
    }
    throw new OvertakenError('another writer came between');
  }

  return async (operations, now) => {
    const [operation, ...others] = operations;
    if (operation === undefined || others.length > 0) return writeAll(operations, now);
    switch (operation.kind) {
      case 'put':
        return putOne(operation, now);
      case 'update':
        return updateOne(operation, now);
      case 'delete': {
        // A conditional one is a transaction for its token: a second attempt must not find its own work and be refused.
        if ((operation.conditions ?? []).length > 0) return writeAll(operations, now);
        const command = new DeleteItemCommand({ TableName: name, Key: toKey(operation.key) });
        await repeatCall(() => client.send(command), { rules });
        return { kind: 'written', items: [undefined] };
      }
      case 'check': {
        const refused = refusedOperation(operation, 0, await rows.one(operation.key), now);
        return refused ?? { kind: 'written', items: [undefined] };
      }
      default:
        return operation satisfies never;
    }
  };
}

/**
 * JSON of a size that the port takes may come to more than DynamoDB's 4 MiB as DynamoDB counts it (a list of small
 * numbers), or as the text of the request (six bytes for a control character). Which of them the bound is meant for is
 * not documented; so both stay well below it.
 */
function isLarge(plans: readonly Plan[]): boolean {
  const items = plans.flatMap(({ write }) => (write?.Put?.Item === undefined ? [] : [write.Put.Item]));
  const bytes = items.reduce((sum, item) => sum + itemBytes(item), 0);
  if (bytes * escaped_bytes_max <= packed_from_bytes) return false;
  return bytes > packed_from_bytes || Buffer.byteLength(JSON.stringify(items)) > packed_from_bytes;
}

const packed_from_bytes = 3_000_000;
const escaped_bytes_max = 6;

const lasting_reasons = new Set(['ValidationError', 'ItemCollectionSizeLimitExceeded']);

function keyOf(operations: readonly Operation[], index: number) {
  const operation = operations[index];
  if (operation === undefined) throw new RangeError(`there is no operation ${index}`);
  return operation.key;
}

function refusedAt(operations: readonly Operation[], index: number, stored: Stored | undefined, now: number) {
  const operation = operations[index];
  return operation === undefined ? undefined : refusedOperation(operation, index, stored, now);
}

function refusedOperation(
  { conditions = [] }: Operation,
  operation: number,
  stored: Stored | undefined,
  now: number,
): Refused | undefined {
  const current: Item | undefined = liveItem(stored, now);
  const condition = brokenCondition(conditions, current);
  return condition === undefined ? undefined : { kind: 'refused', operation, condition, current };
}

interface Refusal {
  readonly stored: Stored | undefined;
  readonly was_unheard: boolean;
}

/** What a conditional request met; undefined when it was carried out. Other failures pass through. */
async function refusalOf(sent: Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await sent;
    return undefined;
  } catch (error) {
    if (!isNamed(error, 'ConditionalCheckFailedException')) throw error;
    const { cause, was_unheard } = error as CallFailedError;
    return { stored: storedOf((cause as { Item?: Attributes }).Item), was_unheard };
  }
}

/** Carried out unheard and replaced since, or refused from the start: to say `refused` could be a lie. */
function checkDoubt(refusal: Refusal | undefined): void {
  if (refusal?.was_unheard === true) throw new OutcomeUnknownError('a write is in doubt');
}

function storedOf(attributes: Attributes | undefined): Stored | undefined {
  return attributes === undefined || Object.keys(attributes).length === 0 ? undefined : fromAttributes(attributes);
}

function isNamed(error: unknown, name: string): boolean {
  return error instanceof CallFailedError && error.cause instanceof Error && error.cause.name === name;
}
