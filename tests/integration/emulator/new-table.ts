import { CreateTableCommand, DeleteTableCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { newName } from './emulator-clients.ts';

/** An empty table with the keys of the design. */
export async function newTable(
  client: DynamoDBClient,
): Promise<{ name: string; readonly remove: () => Promise<void> }> {
  const name = newName('signet-table');
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  return {
    name,
    async remove() {
      await client.send(new DeleteTableCommand({ TableName: name }));
    },
  };
}
