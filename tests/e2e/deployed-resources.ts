import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetFunctionConfigurationCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs';
import { client_settings } from '../../functions/adapters/aws/client-settings.ts';
import { dynamoTable } from '../../functions/adapters/dynamodb/dynamo-table.ts';
import { sqsQueue } from '../../functions/adapters/sqs/sqs-queue.ts';
import type { DeadLetter, Queue } from '../../functions/domain/ports/queue.ts';
import { stateKey } from '../../functions/domain/runs/keys.ts';
import { waitFor } from './running-node.ts';

/** Looks at, and acts on, what is under a deployed stage, past its API. */
export interface DeployedResources {
  /** Puts a message into the queue of runs as it is. */
  sendRun(body: string): Promise<void>;
  /** Waits for a dead letter with this body that is not `other`. */
  deadLetter(body: string, other?: string): Promise<DeadLetter>;
  /** How many letters went back to the queue. */
  redrive(id: string): Promise<number>;
  /** The job that carries a run of the owner's. */
  jobOf(run_id: string): Promise<string>;
  functionNames(): Promise<readonly string[]>;
  memoryOf(part: string): Promise<number | undefined>;
  hasTable(name: string | undefined): Promise<boolean>;
}

export function deployedResources({
  endpoint,
  stage,
  state,
}: {
  endpoint: string;
  stage: string;
  /** Outputs of its State stack. */
  state: () => Promise<Readonly<Record<string, string>>>;
}): DeployedResources {
  const settings = {
    ...client_settings,
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  const lambda = new LambdaClient(settings);
  const sqs = new SQSClient(settings);
  const dynamodb = new DynamoDBClient(settings);

  async function queue(): Promise<Queue> {
    const { RunsQueueUrl = '', RunsDlqUrl = '' } = await state();
    return sqsQueue({ client: sqs, url: RunsQueueUrl, dead_letter_url: RunsDlqUrl, attempts_max: 25 });
  }

  return {
    async sendRun(MessageBody) {
      const { RunsQueueUrl } = await state();
      await sqs.send(new SendMessageCommand({ QueueUrl: RunsQueueUrl, MessageBody }));
    },
    async deadLetter(body, other) {
      const letters = await queue();
      return await waitFor(`a dead letter ${body}`, async () => {
        const found = await letters.deadLetters({ limit: 100 });
        return found.letters.find((letter) => letter.body === body && letter.id !== other);
      });
    },
    async redrive(id) {
      return await (await queue()).redrive([id]);
    },
    async jobOf(run_id) {
      const { TableName = '' } = await state();
      const row = await dynamoTable({ client: dynamodb, name: TableName }).get(stateKey('default', run_id), Date.now());
      const job_id = row?.['job_id'];
      if (typeof job_id !== 'string') throw new Error(`expected a run ${run_id} with a job in ${TableName}`);
      return job_id;
    },
    async functionNames() {
      const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}));
      return Functions.flatMap(({ FunctionName = '' }) =>
        FunctionName.startsWith(`signet-${stage}-`) ? [FunctionName] : [],
      );
    },
    async memoryOf(part) {
      const command = new GetFunctionConfigurationCommand({ FunctionName: `signet-${stage}-${part}` });
      return (await lambda.send(command)).MemorySize;
    },
    async hasTable(TableName) {
      return await dynamodb.send(new DescribeTableCommand({ TableName })).then(
        () => true,
        (error: Error) => {
          if (error.name === 'ResourceNotFoundException') return false;
          throw error;
        },
      );
    },
  };
}
