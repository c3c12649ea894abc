import { BatchGetItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { failBy, seededPlan } from '../../../tests/integration/emulator/failing-client.ts';
import type { Fault, FaultPlan } from '../../../tests/integration/emulator/failing-client.ts';
import { newTable } from '../../../tests/integration/emulator/new-table.ts';
import { describeTable } from '../../domain/ports/table.contract.ts';
import { TableUnavailableError } from '../../domain/ports/table.ts';
import type { Table } from '../../domain/ports/table.ts';
import { dynamoTable } from './dynamo-table.ts';

const now = Date.UTC(2030, 0, 1);

describeTable('dynamodb', async () => {
  const client = new DynamoDBClient(emulatorSettings());
  const { name, remove } = await newTable(client);
  return {
    table: dynamoTable({ client, name }),
    async close() {
      await remove();
      client.destroy();
    },
  };
});

describeTable('dynamodb that throttles, breaks, loses answers and leaves keys out', async () => {
  const maker = new DynamoDBClient(emulatorSettings());
  const { name, remove } = await newTable(maker);
  const client = new DynamoDBClient(emulatorSettings());
  const { faults } = failBy(client, seededPlan({ one_in: 6 }));
  return {
    table: dynamoTable({ client, name, rules: { wait_ms_base: 2, wait_ms_max: 50, deadline_ms: 20_000 } }),
    async close() {
      expect([...faults.keys()].toSorted()).toEqual(['broken', 'partial', 'throttled', 'unheard', 'unsent']);
      await remove();
      client.destroy();
      maker.destroy();
    },
  };
});

describe('a DynamoDB table', () => {
  let maker: DynamoDBClient;
  let made: Awaited<ReturnType<typeof newTable>>;
  let last = 0;

  beforeAll(async () => {
    maker = new DynamoDBClient(emulatorSettings());
    made = await newTable(maker);
  });
  afterAll(async () => {
    await made.remove();
    maker.destroy();
  });

  const newKey = () => ({ pk: `own#${++last}`, sk: 's' });

  /** A table whose calls fail as planned; with a deadline of 300 ms. */
  function failing(plan: FaultPlan): Table {
    const client = new DynamoDBClient(emulatorSettings());
    failBy(client, plan);
    return dynamoTable({ client, name: made.name, rules: { wait_ms_base: 5, deadline_ms: 300 } });
  }

  const plain = () => dynamoTable({ client: maker, name: made.name });

  function once(command: string, fault: Fault): FaultPlan {
    let is_done = false;
    return (name) => {
      if (is_done || name !== command) return undefined;
      is_done = true;
      return fault;
    };
  }

  test('knows its own put when the answer was lost', async () => {
    const key = newKey();
    const put = { kind: 'put', key, item: { n: 1 }, conditions: [{ kind: 'absent' }] } as const;
    expect(await failing(once('PutItemCommand', 'unheard')).write(put, now)).toMatchObject({ kind: 'written' });
  });

  test('counts once when the answer to an addition was lost', async () => {
    const key = newKey();
    const table = failing(once('UpdateItemCommand', 'unheard'));
    const add = { kind: 'update', key, add: { n: 1 } } as const;
    expect(await table.write(add, now)).toEqual({ kind: 'written', items: [{ n: 1 }] });
    expect(await table.get(key, now)).toEqual({ n: 1 });
  });

  test('does not guess whether a lost addition was carried out when another writer came on top', async () => {
    const key = newKey();
    const add = { kind: 'update', key, add: { n: 1 } } as const;
    let calls = 0;
    const client = new DynamoDBClient(emulatorSettings());
    failBy(client, (name) => (name === 'UpdateItemCommand' ? 'unheard' : undefined));
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (request) => {
          if (commandName === 'GetItemCommand') await plain().write(add, now);
          calls += 1;
          return next(request);
        },
      { step: 'initialize' },
    );
    const table = dynamoTable({ client, name: made.name });
    const failure = await table.write(add, now).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TableUnavailableError);
    expect(failure).toMatchObject({ operation: 'transact', retryable: false });
    expect(await plain().get(key, now)).toEqual({ n: 2 });
    expect(calls).toBe(2);
    client.destroy();
  });

  test('deletes on condition once, also when the answer was lost', async () => {
    const key = newKey();
    await plain().write({ kind: 'put', key, item: { n: 1 } }, now);
    const table = failing(once('TransactWriteItemsCommand', 'unheard'));
    const deletion = { kind: 'delete', key, conditions: [{ kind: 'exists' }] } as const;
    expect(await table.write(deletion, now)).toEqual({ kind: 'written', items: [undefined] });
    expect(await table.write(deletion, now)).toMatchObject({ kind: 'refused' });
  });

  test.each(['throttled', 'unsent', 'broken', 'unheard'] as const)(
    'gives up within its deadline when every call is %s, and says that it may be tried again',
    async (fault) => {
      const table = failing(() => fault);
      const key = newKey();
      const pending = [
        table.get(key, now),
        table.query({ pk: key.pk, limit: 1 }, now),
        table.write({ kind: 'put', key, item: {} }, now),
        table.transact(
          [
            { kind: 'delete', key },
            { kind: 'check', key: newKey(), conditions: [{ kind: 'absent' }] },
          ],
          now,
        ),
      ];
      for (const result of await Promise.allSettled(pending)) {
        expect(result).toMatchObject({
          status: 'rejected',
          reason: { name: 'TableUnavailableError', retryable: true },
        });
      }
    },
  );

  test('says of a table that is not there that trying again is useless', async () => {
    const table = dynamoTable({ client: maker, name: 'signet-none' });
    await expect(table.get(newKey(), now)).rejects.toMatchObject({ name: 'TableUnavailableError', retryable: false });
  });

  test('an update of an expired item inherits nothing, in a transaction as well', async () => {
    const table = plain();
    const [key, other] = [newKey(), newKey()];
    const later = now + 60_000;
    for (const one of [key, other]) {
      await table.write({ kind: 'put', key: one, item: { old: 1, n: 7, expires_at: now / 1000 + 10 } }, now);
    }
    const update = { kind: 'update', add: { n: 1 } } as const;
    expect(await table.write({ ...update, key }, later)).toEqual({ kind: 'written', items: [{ n: 1 }] });
    const both = await table.transact(
      [
        { ...update, key: other },
        { kind: 'check', key, conditions: [{ kind: 'exists' }] },
      ],
      later,
    );
    expect(both).toEqual({ kind: 'written', items: [{ n: 1 }, undefined] });
    expect(await table.get(other, later)).toEqual({ n: 1 });
  });

  test('judges what DynamoDB cannot compare by reading', async () => {
    const table = plain();
    const key = newKey();
    const item = { huge: 1e300, tiny: 5e-324, odd: '\ud800', ['\ud800']: 1, version: 1 };
    await table.write({ kind: 'put', key, item }, now);
    const conditions = [
      { kind: 'less', field: 'huge', value: 1e301 },
      { kind: 'less', field: 'tiny', value: 1 },
      { kind: 'equals', field: 'odd', value: '\ud800' },
      { kind: 'equals', field: '\ud800', value: 1 },
    ] as const;
    const add = { huge: 1e300, version: 1 };
    const expected = { ...item, huge: 2e300, version: 2 };
    expect(await table.write({ kind: 'update', key, add, conditions }, now)).toEqual({
      kind: 'written',
      items: [expected],
    });
    expect(await table.write({ kind: 'check', key, conditions }, now)).toMatchObject({ kind: 'written' });
    const second = newKey();
    const pair = await table.transact(
      [
        { kind: 'put', key, item: { done: true }, conditions },
        { kind: 'put', key: second, item: {} },
      ],
      now,
    );
    expect(pair).toMatchObject({ kind: 'written' });
    expect(await table.get(key, now)).toEqual({ done: true });
  });

  test('crossing transactions of several processes lose nothing', async () => {
    const [a, b] = [newKey(), newKey()];
    const processes = Array.from({ length: 5 }, () =>
      dynamoTable({ client: maker, name: made.name, rules: { deadline_ms: 20_000 } }),
    );
    await Promise.all(
      processes.flatMap((table) =>
        Array.from({ length: 4 }, (_, n) =>
          table.transact(
            [
              { kind: 'update', key: n % 2 === 0 ? a : b, add: { n: 1 } },
              { kind: 'update', key: n % 2 === 0 ? b : a, add: { n: -1 } },
            ],
            now,
          ),
        ),
      ),
    );
    expect([await plain().get(a, now), await plain().get(b, now)]).toEqual([{ n: 0 }, { n: 0 }]);
  });

  test('names the first of several refused operations', async () => {
    const table = plain();
    const keys = [newKey(), newKey(), newKey()] as const;
    const exists = [{ kind: 'exists' }] as const;
    const result = await table.transact(
      [
        { kind: 'put', key: keys[0], item: {}, conditions: [{ kind: 'absent' }] },
        { kind: 'delete', key: keys[1], conditions: exists },
        { kind: 'update', key: keys[2], set: { n: 1 }, conditions: exists },
      ],
      now,
    );
    expect(result).toMatchObject({ kind: 'refused', operation: 1 });
  });

  test('keeps `expires_at` where the TTL of the table finds it, and every field by its name', async () => {
    const key = newKey();
    await plain().write({ kind: 'put', key, item: { expires_at: 1_900_000_000, pk: 'mine', sk: 1, text: '' } }, now);
    const Keys = [{ pk: { S: key.pk }, sk: { S: key.sk } }];
    const { Responses } = await maker.send(new BatchGetItemCommand({ RequestItems: { [made.name]: { Keys } } }));
    expect(Responses?.[made.name]).toMatchObject([
      {
        pk: { S: key.pk },
        expires_at: { N: '1900000000' },
        '~.pk': { S: 'mine' },
        '~.sk': { N: '1' },
        text: { S: '' },
      },
    ]);
  });
});
