import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, test } from '@jest/globals';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { newTable } from '../../../tests/integration/emulator/new-table.ts';
import { dynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { admitOnce } from './replay.ts';

test('of forty copies in four processes one is admitted, and none after a restart', async () => {
  const maker = new DynamoDBClient(emulatorSettings());
  const { name, remove } = await newTable(maker);
  const clients = Array.from({ length: 4 }, () => new DynamoDBClient(emulatorSettings()));
  const tables = clients.map((client) => dynamoTable({ client, name }));
  let worked = 0;
  const admit = (process: number, verdict: string) => {
    const [first] = tables;
    const table = tables[process % tables.length] ?? first;
    if (table === undefined) throw new Error('there are four tables');
    const message = { iss: 'did:key:z6MkNode', exp: 1_900_000_060 };
    return admitOnce({ table, now: () => 1_900_000_000_000 }, { message, id: 'a'.repeat(64), verdict }, async () => {
      worked += 1;
    });
  };
  const all = await Promise.all(Array.from({ length: 40 }, (_, index) => admit(index, `verdict-${index}`)));
  const winner = all.findIndex(({ kind }) => kind === 'admitted');
  expect(all.filter(({ kind }) => kind === 'admitted')).toHaveLength(1);
  for (const [index, one] of all.entries()) {
    if (index !== winner) expect(one).toEqual({ kind: 'seen', verdict: `verdict-${winner}` });
  }
  const restarted = new DynamoDBClient(emulatorSettings());
  tables.splice(0, tables.length, dynamoTable({ client: restarted, name }));
  expect(await admit(0, 'later')).toEqual({ kind: 'seen', verdict: `verdict-${winner}` });
  expect(worked).toBe(1);
  await remove();
  for (const client of [maker, restarted, ...clients]) client.destroy();
});
