import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { newTable } from '../../../tests/integration/emulator/new-table.ts';
import { dynamoTable } from '../../adapters/dynamodb/dynamo-table.ts';
import { describeWitness } from './witness.contract.ts';

describeWitness('DynamoDB', async () => {
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
