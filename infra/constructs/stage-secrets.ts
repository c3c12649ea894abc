import { type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { ArnFormat, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { allow, type Bindable } from './bindable.ts';

/** The secrets whose names begin with `signet/<stage>/`. The owner makes them: no template ever holds a secret. */
export class StageSecrets extends Construct implements Bindable<'read'> {
  readonly variables: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, { config }: { readonly config: StageConfig }) {
    super(scope, id);
    this.variables = { SIGNET_SECRETS_PREFIX: `signet/${config.stage}/` };
  }

  statements(_right: 'read'): readonly PolicyStatement[] {
    const { SIGNET_SECRETS_PREFIX } = this.variables;
    const arn = Stack.of(this).formatArn({
      service: 'secretsmanager',
      resource: 'secret',
      resourceName: `${SIGNET_SECRETS_PREFIX}*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return [allow(['secretsmanager:GetSecretValue'], [arn])];
  }
}
