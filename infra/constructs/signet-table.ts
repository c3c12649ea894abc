import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { allow, type Bindable } from './bindable.ts';
import { removalOf } from './removal.ts';

const reads = ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query'];
/** `ConditionCheckItem` is how a transaction may ask about a row that it does not write. */
const writes = ['dynamodb:ConditionCheckItem', 'dynamodb:DeleteItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'];

/** The one table: every noun's rows, read by key. Nobody may scan it. */
export class SignetTable extends Construct implements Bindable<'read' | 'write'> {
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

  statements(right: 'read' | 'write'): readonly PolicyStatement[] {
    return [allow(right === 'read' ? reads : [...reads, ...writes], [this.table.tableArn])];
  }
}
