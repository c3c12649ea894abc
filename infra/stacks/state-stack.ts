import { ArnFormat, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { ApiLogRole } from '../constructs/api-log-role.ts';
import { JobQueue } from '../constructs/job-queue.ts';
import { SigningKey } from '../constructs/signing-key.ts';
import { SignetBucket } from '../constructs/signet-bucket.ts';
import { SignetTable } from '../constructs/signet-table.ts';

export interface StateStackProps extends StackProps {
  readonly config: StageConfig;
}

/** What outlives the functions: table, bucket, queues and keys. */
export class StateStack extends Stack {
  readonly table: SignetTable;
  readonly bucket: SignetBucket;
  readonly runs: JobQueue;
  /** Wakes the sealer. */
  readonly ledger: JobQueue;
  readonly issuerKey: SigningKey;
  readonly logKey: SigningKey;
  /** Names of the role that may sign: the App stack gives it to `sign-envelope`. */
  readonly signerRoleName: string;

  constructor(scope: Construct, id: string, props: StateStackProps) {
    super(scope, id, props);
    const { config } = props;
    this.table = new SignetTable(this, 'Table', { config });
    this.bucket = new SignetBucket(this, 'Bucket', { config });
    this.runs = new JobQueue(this, 'Runs', {
      config,
      name: 'runs',
      worker_timeout_s: config.functions['advance-run'].timeout_s,
    });
    this.ledger = new JobQueue(this, 'Ledger', {
      config,
      name: 'ledger',
      worker_timeout_s: config.functions['seal-ledger'].timeout_s,
      delay_s: 1,
    });
    // Roles are of the whole account, stages of one region.
    this.signerRoleName = `signet-${config.stage}-sign-envelope-${this.region}`;
    const signer_arn = this.formatArn({
      service: 'iam',
      region: '',
      resource: 'role',
      resourceName: this.signerRoleName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    this.issuerKey = new SigningKey(this, 'IssuerKey', { config, role: 'issuer', signer_arn });
    this.logKey = new SigningKey(this, 'LogKey', { config, role: 'log', signer_arn });
    const witnessKey = new SigningKey(this, 'WitnessKey', { config, role: 'witness', signer_arn });
    if (config.api.account_log_role) new ApiLogRole(this, 'ApiLogRole');
    this.exportAll();
    const outputs = {
      Stage: config.stage,
      TableName: this.table.table.tableName,
      BucketName: this.bucket.bucket.bucketName,
      RunsQueueUrl: this.runs.queue.queueUrl,
      RunsDlqUrl: this.runs.deadLetters.queue.queueUrl,
      LedgerQueueUrl: this.ledger.queue.queueUrl,
      IssuerKeyArn: this.issuerKey.key.keyArn,
      LogKeyArn: this.logKey.key.keyArn,
      WitnessKeyArn: witnessKey.key.keyArn,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  /**
   * Exports what the other stack uses, also when that one is not built with this one: a deploy of this stack alone
   * must not take away an export that the other one lives on.
   */
  private exportAll(): void {
    const { table } = this.table;
    const { bucket } = this.bucket;
    const queues = [this.runs, this.ledger].flatMap(({ queue, deadLetters }) => [queue, deadLetters.queue]);
    for (const value of [
      table.tableName,
      table.tableArn,
      bucket.bucketName,
      bucket.bucketArn,
      ...queues.flatMap(({ queueUrl, queueArn, queueName }) => [queueUrl, queueArn, queueName]),
      this.issuerKey.key.keyArn,
      this.logKey.key.keyArn,
    ]) {
      this.exportValue(value);
    }
  }
}
