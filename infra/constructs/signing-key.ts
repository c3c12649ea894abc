import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { StageConfig } from '../config.ts';
import { allow, type Bindable } from './bindable.ts';
import { principalsOf } from './emulator-rights.ts';
import { removalOf } from './removal.ts';

/** What the account may do with a key: everything that is administration, and nothing that signs. */
const administration = [
  'kms:CancelKeyDeletion',
  'kms:CreateAlias',
  'kms:DeleteAlias',
  'kms:DescribeKey',
  'kms:DisableKey',
  'kms:EnableKey',
  'kms:GetKeyPolicy',
  'kms:GetKeyRotationStatus',
  'kms:GetPublicKey',
  'kms:ListKeyPolicies',
  'kms:ListResourceTags',
  'kms:PutKeyPolicy',
  'kms:ScheduleKeyDeletion',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:UpdateAlias',
  'kms:UpdateKeyDescription',
  'kms:Verify',
];

/**
 * An Ed25519 key that never leaves KMS. Its own policy names the one role that may sign with it, so that not even the
 * account's administrators can, unless they change that policy where everybody sees it. The role is named before it
 * exists: it belongs to the stack with the functions.
 */
export class SigningKey extends Construct implements Bindable<'sign'> {
  readonly key: Key;
  readonly variables: Readonly<Record<string, string>>;

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly config: StageConfig;
      readonly role: 'issuer' | 'log' | 'witness';
      /** ARN of the one role that may sign. */
      readonly signer_arn: string;
    },
  ) {
    super(scope, id);
    const { config, role, signer_arn } = props;
    const account = new AccountRootPrincipal();
    this.key = new Key(this, 'Key', {
      keySpec: KeySpec.ECC_NIST_EDWARDS25519,
      keyUsage: KeyUsage.SIGN_VERIFY,
      description: `signet ${config.stage}: ${role}`,
      alias: `signet-${config.stage}-${role}`,
      pendingWindow: Duration.days(config.keeps_data ? 30 : 7),
      removalPolicy: removalOf(config),
      policy: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: 'AccountAdministers',
            principals: [account],
            actions: administration,
            resources: ['*'],
          }),
          new PolicyStatement({
            sid: 'OneRoleSigns',
            principals: [account],
            actions: ['kms:Sign'],
            resources: ['*'],
            conditions: { ArnLike: { 'aws:PrincipalArn': principalsOf(signer_arn, config) } },
          }),
        ],
      }),
    });
    this.variables = { [`SIGNET_KMS_${role.toUpperCase()}`]: this.key.keyArn };
  }

  statements(_right: 'sign'): readonly PolicyStatement[] {
    return [allow(['kms:GetPublicKey', 'kms:Sign'], [this.key.keyArn])];
  }
}
