import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { client_settings } from '../adapters/aws/client-settings.ts';
import { dynamoTable } from '../adapters/dynamodb/dynamo-table.ts';
import type { InvokeFunction } from '../adapters/lambda/function-call.ts';
import type { SendWake } from '../domain/ledger/wake-sealer.ts';
import type { Objects } from '../domain/ports/objects.ts';
import type { Queue } from '../domain/ports/queue.ts';
import type { Secrets } from '../domain/ports/secrets.ts';
import type { Table } from '../domain/ports/table.ts';
import type { CloudEnvironment } from './read-cloud-environment.ts';
import { whenNeeded } from './when-needed.ts';

// Every start needs the table, so its client is loaded with this file. The other clients are loaded when they are first
// used: a chat that keeps a small receipt touches neither objects nor queues. Region, credentials and AWS_ENDPOINT_URL
// are read by the clients themselves, as everywhere.

export function cloudTable({ table }: Pick<CloudEnvironment, 'table'>): Table {
  return dynamoTable({ client: new DynamoDBClient(client_settings), name: table });
}

/** Wakes jobs. Nothing receives here: the platform hands messages to `advance-run`. */
export function cloudQueue({ queue_runs }: Pick<CloudEnvironment, 'queue_runs'>): Pick<Queue, 'send'> {
  return whenNeeded<Pick<Queue, 'send'>>(['send'], async () => {
    const [{ SQSClient }, { sqsSender }] = await Promise.all([
      import('@aws-sdk/client-sqs'),
      import('../adapters/sqs/sqs-sender.ts'),
    ]);
    return sqsSender({ client: new SQSClient(client_settings), url: queue_runs });
  });
}

/** Wakes `seal-ledger`. */
export function cloudWake({ queue_ledger }: Pick<CloudEnvironment, 'queue_ledger'>): SendWake {
  const { send } = whenNeeded<{ send: SendWake }>(['send'], async () => {
    const [{ SQSClient }, { sqsWake }] = await Promise.all([
      import('@aws-sdk/client-sqs'),
      import('../adapters/sqs/sqs-wake.ts'),
    ]);
    return { send: sqsWake({ client: new SQSClient(client_settings), url: queue_ledger }) };
  });
  return send;
}

export function cloudObjects({ bucket }: Pick<CloudEnvironment, 'bucket'>): Objects {
  return whenNeeded<Objects>(['get', 'head', 'put', 'list', 'delete'], async () => {
    const [{ S3Client }, { s3Objects }] = await Promise.all([
      import('@aws-sdk/client-s3'),
      import('../adapters/s3/s3-objects.ts'),
    ]);
    return s3Objects({ client: new S3Client(client_settings), bucket });
  });
}

/** A provider's `api_key_env: NAME` is the secret `<prefix>NAME`. */
export function cloudSecrets({ secrets_prefix }: Pick<CloudEnvironment, 'secrets_prefix'>): Secrets {
  return whenNeeded<Secrets>(['get'], async () => {
    const [{ SecretsManagerClient }, { secretsManagerSecrets }] = await Promise.all([
      import('@aws-sdk/client-secrets-manager'),
      import('../adapters/secrets-manager/secrets-manager-secrets.ts'),
    ]);
    return secretsManagerSecrets({ client: new SecretsManagerClient(client_settings), prefix: secrets_prefix });
  });
}

/** Calls the Rust functions. */
export function cloudInvoke(): InvokeFunction {
  const { invoke } = whenNeeded<{ invoke: InvokeFunction }>(['invoke'], async () => {
    const [{ LambdaClient }, { functionInvoker }] = await Promise.all([
      import('@aws-sdk/client-lambda'),
      import('../adapters/lambda/invoke-function.ts'),
    ]);
    return { invoke: functionInvoker({ client: new LambdaClient(client_settings) }) };
  });
  return invoke;
}
