import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { allow, allowRows, type Bindable } from './bindable.ts';
import { removalOf } from './removal.ts';

const reads = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'];
/** `ConditionCheckItem` is how a transaction may ask about a row that it does not write. */
const writes = ['dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'];

/**
 * `read` and `write` any row, but for one: what the log was committed as is written by the sealer alone, since the signer
 * signs what stands there. `seal`: rows of the log, and who the node is. `lock`: that one row, to look at.
 */
export type TableRight = 'read' | 'write' | 'seal' | 'lock';

/** `keys.ts` of `functions/domain/` ledger, witness and identity build them. */
const lock_partition = 'ledger#lock';
const ledger_partitions = ['ledger#*', 'witness'];
const identity_partitions = ['identity', 'identity#*'];

/** The one table: every noun's rows, read by key. Nobody may scan it. */
export class SignetTable extends Construct implements Bindable<TableRight> {
  readonly table: Table;
  readonly variables: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, { config }: { readonly config: StageConfig }) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      encryption: TableEncryption.DEFAULT,
      deletionProtection: config.keeps_data,
      removalPolicy: removalOf(config),
    });
    this.variables = { SIGNET_TABLE: this.table.tableName };
  }

  statements(right: TableRight): readonly PolicyStatement[] {
    const { tableArn } = this.table;
    const statements: Readonly<Record<TableRight, readonly PolicyStatement[]>> = {
      read: [allow(reads, [tableArn])],
      write: [allow([...reads, ...writes], [tableArn]), this.denyLockWrites()],
      seal: [
        allowRows([...reads, ...writes], tableArn, ledger_partitions),
        allowRows(reads, tableArn, identity_partitions),
      ],
      lock: [allowRows(['dynamodb:GetItem'], tableArn, [lock_partition])],
    };
    return statements[right];
  }

  private denyLockWrites(): PolicyStatement {
    return new PolicyStatement({
      effect: Effect.DENY,
      actions: writes.filter((action) => action !== 'dynamodb:ConditionCheckItem'),
      resources: [this.table.tableArn],
      conditions: { 'ForAnyValue:StringEquals': { 'dynamodb:LeadingKeys': [lock_partition] } },
    });
  }
}
