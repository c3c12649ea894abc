import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expiryOf } from '../../domain/ports/judge-item.ts';
import {
  checkKey,
  checkOperations,
  checkQuery,
  checkTransactionBytes,
  itemText,
} from '../../domain/ports/table-rules.ts';
import { TableUnavailableError } from '../../domain/ports/table.ts';
import type { Operation, Table } from '../../domain/ports/table.ts';
import { OutcomeUnknownError } from '../aws/call-failure.ts';
import { CallFailedError, usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { liveItem } from './plan-operation.ts';
import { readRows } from './read-rows.ts';
import { writeRows } from './write-rows.ts';

export interface DynamoTableOptions {
  /** Made with `client_settings`: it must not repeat calls by itself. */
  readonly client: DynamoDBClient;
  /** The table: `pk` and `sk` are its keys, both strings; `expires_at` its TTL attribute. */
  readonly name: string;
  readonly rules?: Partial<RepeatRules>;
}

/** The Table port over one DynamoDB table. */
export function dynamoTable({ client, name, rules: own_rules }: DynamoTableOptions): Table {
  const rules = { ...usual_rules, ...own_rules };
  const rows = readRows({ client, name, rules });
  const write = writeRows({ client, name, rows, rules, newRevision: randomUUID });

  const transact: Table['transact'] = async (operations, now) => {
    checkOperations(operations);
    checkSizes(operations);
    return explained('transact', () => write(operations, now));
  };

  return {
    async get(key, now) {
      checkKey(key);
      return explained('get', async () => liveItem(await rows.one(key), now));
    },

    async query(query, now) {
      checkQuery(query);
      return explained('query', () => rows.page(query, now));
    },

    write: (operation, now) => transact([operation], now),

    transact,
  };
}

function checkSizes(operations: readonly Operation[]): void {
  let bytes = 0;
  for (const operation of operations) {
    if (operation.kind === 'put') {
      bytes += Buffer.byteLength(itemText(operation.item));
      expiryOf(operation.item);
    }
    if (operation.kind === 'update' && operation.set !== undefined) {
      bytes += Buffer.byteLength(itemText(operation.set));
      expiryOf(operation.set);
    }
  }
  checkTransactionBytes(bytes);
}

async function explained<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof OutcomeUnknownError)
      throw new TableUnavailableError({ operation, retryable: false }, { cause });
    if (!(cause instanceof CallFailedError)) throw cause;
    throw new TableUnavailableError({ operation, retryable: cause.failure !== 'permanent' }, { cause });
  }
}
