import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { failBy, seededPlan } from '../../../tests/integration/emulator/failing-client.ts';
import { newTable } from '../../../tests/integration/emulator/new-table.ts';
import { describeTableTwin } from '../../domain/ports/table-twin.contract.ts';
import { dynamoTable } from './dynamo-table.ts';

describeTableTwin(
  'a DynamoDB table that throttles, breaks and loses answers',
  async () => {
    const maker = new DynamoDBClient(emulatorSettings());
    const { name, remove } = await newTable(maker);
    const client = new DynamoDBClient(emulatorSettings());
    failBy(client, seededPlan({ one_in: 10 }));
    return {
      table: dynamoTable({ client, name, rules: { wait_ms_base: 2, wait_ms_max: 20 } }),
      async close() {
        await remove();
        client.destroy();
        maker.destroy();
      },
    };
  },
  150,
);
