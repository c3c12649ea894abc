import { describe, expect, test } from '@jest/globals';
import { functionNames } from '../../infra/config.ts';
import { evaluatePolicy, type Statement } from './evaluate-policy.ts';
import { place, resolveIn } from './resolve-template.ts';
import { all, both, each, keeping, refusesPlainHttp, stages } from './stage-templates.ts';

describe.each(stages)('queues of %s', (stage) => {
  const dead = () => all(stage, 'AWS::SQS::Queue').filter(({ id }) => id.includes('DeadLetters'));
  const live = () => all(stage, 'AWS::SQS::Queue').filter(({ id }) => !id.includes('DeadLetters'));

  test('SSE', () => {
    each(all(stage, 'AWS::SQS::Queue'), () => ({ Properties: { SqsManagedSseEnabled: true } }));
  });

  test('TLS-only', () => {
    for (const { id } of all(stage, 'AWS::SQS::Queue'))
      expect(refusesPlainHttp(stage, 'AWS::SQS::QueuePolicy', id)).toBe(true);
  });

  test('a dead-letter queue, `maxReceiveCount` 25', () => {
    const targets = new Set(dead().map(({ id }) => id));
    for (const { Properties } of live()) {
      const { deadLetterTargetArn, maxReceiveCount } = Object(Properties['RedrivePolicy']);
      expect(maxReceiveCount).toBe(25);
      expect(targets).toContain(deadLetterTargetArn['Fn::GetAtt'][0]);
    }
  });

  test('visibility at least six times the timeout of its reader', () => {
    const { functions } = both(stage).config;
    const readers = { Runs: functions['advance-run'], Ledger: functions['seal-ledger'] };
    for (const [name, { timeout_s }] of Object.entries(readers)) {
      const [queue, ...more] = live().filter(({ id }) => id.startsWith(name));
      expect(more).toEqual([]);
      expect(queue?.Properties['VisibilityTimeout']).toBeGreaterThanOrEqual(6 * timeout_s);
    }
    expect(live()).toHaveLength(2);
  });

  test('wake-ups of the sealer keep the order of groups and come a second later, and so do their dead letters', () => {
    const ledger = all(stage, 'AWS::SQS::Queue').filter(({ id }) => id.startsWith('Ledger'));
    expect(ledger).toHaveLength(2);
    each(ledger, () => ({ Properties: { FifoQueue: true } }));
    expect(live().filter(({ Properties }) => Properties['DelaySeconds'] === 1)).toHaveLength(1);
    const others = all(stage, 'AWS::SQS::Queue').filter(({ id }) => !id.startsWith('Ledger'));
    for (const { Properties } of others) expect(Properties['FifoQueue']).toBeUndefined();
  });

  test('messages of 1 MiB; dead letters wait two weeks', () => {
    each(all(stage, 'AWS::SQS::Queue'), () => ({ Properties: { MaximumMessageSize: 1_048_576 } }));
    each(dead(), () => ({ Properties: { MessageRetentionPeriod: 14 * 86_400 } }));
  });
});

describe.each(stages)('table and bucket of %s', (stage) => {
  test('one table: on demand, PITR, TTL `expires_at`, stream off, no index', () => {
    const tables = all(stage, 'AWS::DynamoDB::Table');
    expect(tables).toMatchObject([
      {
        Properties: {
          BillingMode: 'PAY_PER_REQUEST',
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'S' },
          ],
        },
      },
    ]);
    for (const absent of ['StreamSpecification', 'GlobalSecondaryIndexes', 'LocalSecondaryIndexes']) {
      expect(tables[0]?.Properties[absent]).toBeUndefined();
    }
  });

  test('one bucket: versioned, blocked public access, encrypted, TLS only', () => {
    const buckets = all(stage, 'AWS::S3::Bucket');
    expect(buckets).toHaveLength(1);
    each(buckets, () => ({
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      },
    }));
    expect(refusesPlainHttp(stage, 'AWS::S3::BucketPolicy', buckets[0]?.id ?? '')).toBe(true);
  });

  test('lifecycle for old versions; `staging/` has no rule', () => {
    const [bucket] = all(stage, 'AWS::S3::Bucket');
    const { Rules } = Object(bucket?.Properties['LifecycleConfiguration']);
    for (const rule of Rules as object[]) {
      expect(rule).not.toHaveProperty('Prefix');
      expect(rule).not.toHaveProperty('ExpirationInDays');
    }
    expect(Rules).toContainEqual(
      expect.objectContaining({
        NoncurrentVersionExpiration: { NoncurrentDays: both(stage).config.old_version_days },
        Status: 'Enabled',
      }),
    );
  });

  test('KMS: Ed25519 keys for issuer, log and witness, each with its alias', () => {
    each(all(stage, 'AWS::KMS::Key'), () => ({
      Properties: { KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' },
    }));
    const aliases = all(stage, 'AWS::KMS::Alias').map(({ Properties }) => Properties['AliasName']);
    expect(aliases.sort()).toEqual(['issuer', 'log', 'witness'].map((role) => `alias/signet-${stage}-${role}`));
  });
});

describe('what stays when a stack goes', () => {
  const holders = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::KMS::Key'];

  test.each(keeping)('%s: RETAIN and deletion protection', (stage) => {
    for (const type of holders) {
      each(all(stage, type), () => ({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' }));
    }
    each(all(stage, 'AWS::DynamoDB::Table'), () => ({ Properties: { DeletionProtectionEnabled: true } }));
    each(all(stage, 'AWS::KMS::Key'), () => ({ Properties: { PendingWindowInDays: 30 } }));
  });

  test('dev: everything goes, but for the role that the account’s other APIs write their logs with', () => {
    for (const type of holders) each(all('dev', type), () => ({ DeletionPolicy: 'Delete' }));
    each(all('dev', 'AWS::DynamoDB::Table'), () => ({ Properties: { DeletionProtectionEnabled: false } }));
    const kept = Object.values(both('dev').state.Resources).filter(({ DeletionPolicy }) => DeletionPolicy === 'Retain');
    expect(kept.map(({ Type }) => Type).sort()).toEqual(['AWS::ApiGateway::Account', 'AWS::IAM::Role']);
  });

  test.each(stages)('%s: the App stack keeps nothing and may be made again', (stage) => {
    const { app } = both(stage);
    // CDK keeps deployments of an API until the next one serves; a stack that goes takes them along.
    const kept = Object.values(app.Resources).filter(({ DeletionPolicy }) => DeletionPolicy === 'Retain');
    expect(kept).toEqual([]);
  });
});

describe.each(stages)('alarms of %s', (stage) => {
  test('all go to one topic, which takes no plain HTTP', () => {
    const topics = all(stage, 'AWS::SNS::Topic');
    expect(topics).toHaveLength(1);
    each(all(stage, 'AWS::CloudWatch::Alarm'), () => ({ Properties: { AlarmActions: [{ Ref: topics[0]?.id }] } }));
    expect(refusesPlainHttp(stage, 'AWS::SNS::TopicPolicy', topics[0]?.id ?? '')).toBe(true);
  });

  test('the topic takes what alarms of this account publish, and nothing of another', () => {
    const resolve = resolveIn(both(stage), both(stage).app);
    const [topic] = all(stage, 'AWS::SNS::Topic');
    const [policy] = all(stage, 'AWS::SNS::TopicPolicy');
    const statements = Object(resolve(policy?.Properties['PolicyDocument'])).Statement as Statement[];
    const publish = (context: Readonly<Record<string, string>>) =>
      evaluatePolicy(statements, { action: 'sns:Publish', resource: String(resolve({ Ref: topic?.id })), context });
    const secure = { 'aws:SecureTransport': 'true' };
    expect(publish({ ...secure, 'aws:SourceAccount': place.account })).toBe('allowed');
    expect(publish({ ...secure, 'aws:SourceAccount': '444455556666' })).toBe('refused');
    expect(publish({ 'aws:SecureTransport': 'false', 'aws:SourceAccount': place.account })).toBe('refused');
  });

  test('errors and throttles of each function, p99, age, dead letters, sweeps, signatures', () => {
    const names = all(stage, 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties['AlarmName']);
    const wanted = [
      ...functionNames.flatMap((name) => [`${name}-errors`, `${name}-throttles`]),
      'serve-api-slow',
      'api-failures',
      'runs-age',
      'runs-dead-letters',
      'ledger-age',
      'ledger-dead-letters',
      'sweep-missing',
      'signs-per-hour',
    ];
    expect(names.sort()).toEqual(wanted.map((name) => `signet-${stage}-${name}`).sort());
  });

  test('a log that has not grown for five minutes is an alarm', () => {
    const [age] = all(stage, 'AWS::CloudWatch::Alarm').filter(({ Properties }) =>
      String(Properties['AlarmName']).endsWith('ledger-age'),
    );
    expect(age).toMatchObject({
      Properties: { MetricName: 'ApproximateAgeOfOldestMessage', Threshold: 300, EvaluationPeriods: 1 },
    });
  });

  test('a schedule that does not run is an alarm, too: there missing data is bad', () => {
    const [sweep] = all(stage, 'AWS::CloudWatch::Alarm').filter(({ Properties }) =>
      String(Properties['AlarmName']).endsWith('sweep-missing'),
    );
    expect(sweep).toMatchObject({
      Properties: { TreatMissingData: 'breaching', ComparisonOperator: 'LessThanThreshold', Threshold: 1 },
    });
  });
});
