import { describe, expect, test } from '@jest/globals';
import { functionNames } from '../../infra/config.ts';
import { listOf, type Statement } from './evaluate-policy.ts';
import { resolveIn } from './resolve-template.ts';
import { all, both, each, stages } from './stage-templates.ts';
import type { Template, Templates } from './templates-of.ts';

describe.each(stages)('everything of %s', (stage) => {
  test('30 days of logs in every log group', () => {
    each(all(stage, 'AWS::Logs::LogGroup'), () => ({ Properties: { RetentionInDays: 30 } }));
  });

  test('nothing always on: no network, no server, no provisioned concurrency', () => {
    const types = Object.values({ ...both(stage).state.Resources, ...both(stage).app.Resources }).map(
      ({ Type }) => Type,
    );
    expect(types.filter((type) => /::(EC2|ECS|EKS|RDS|ElastiCache|ElasticLoadBalancing)/.test(type))).toEqual([]);
    expect(JSON.stringify(both(stage))).not.toContain('ProvisionedConcurrency');
  });

  test('no wildcard action, and a wildcard resource only where AWS has no other form', () => {
    expect(wildcards(both(stage)).sort()).toEqual(
      [
        // A statement of a key's own policy: there `*` is the key.
        ...['IssuerKey', 'IssuerKey', 'LogKey', 'LogKey', 'WitnessKey', 'WitnessKey'].map((key) => `${key}: kms: *`),
        // Objects are named by digests of what comes, and by their place in the log.
        'AdvanceRun: s3: arn:aws:s3:::Bucket/log/*',
        'ServeApi: s3: arn:aws:s3:::Bucket/log/*',
        'SealLedger: s3: arn:aws:s3:::Bucket/log/*',
        'SealLedger: s3: arn:aws:s3:::Bucket/staging/*',
        'AdvanceRun: s3: arn:aws:s3:::Bucket/content/*',
        'ServeApi: s3: arn:aws:s3:::Bucket/content/*',
        // The owner names secrets, and AWS adds six characters to each name.
        `AdvanceRun: secretsmanager: arn:aws:secretsmanager:eu-central-1:111122223333:secret:signet/${stage}/*`,
        `ServeApi: secretsmanager: arn:aws:secretsmanager:eu-central-1:111122223333:secret:signet/${stage}/*`,
        // A log group's streams have names that Lambda chooses.
        ...functionNames.map(
          (name) =>
            `${pascal(name)}: logs: arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/signet-${stage}-${name}:*`,
        ),
        // X-Ray's write actions have no resources.
        ...functionNames.filter((name) => name !== 'run-script').map((name) => `${pascal(name)}: xray: *`),
      ].sort(),
    );
  });

  test('no managed policy but the one that API Gateway insists on', () => {
    const managed = all(stage, 'AWS::IAM::Role').flatMap(({ Properties }) => listOf(Properties['ManagedPolicyArns']));
    expect(managed.map((arn) => JSON.stringify(arn))).toEqual([
      expect.stringContaining('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
    ]);
  });

  test('every role trusts one service and no person', () => {
    const trusted = all(stage, 'AWS::IAM::Role').map(({ Properties }) => {
      const { Statement } = Object(Properties['AssumeRolePolicyDocument']);
      return Statement.map((statement: Statement) => statement.Principal);
    });
    for (const [principal, ...more] of trusted) {
      expect(more).toEqual([]);
      expect(['lambda.amazonaws.com', 'apigateway.amazonaws.com']).toContain(Object(principal).Service);
    }
  });

  test('no secret in a template', () => {
    const text = JSON.stringify(both(stage));
    expect(text).not.toMatch(/AKIA[0-9A-Z]{16}|sk-[A-Za-z0-9]{20}|BEGIN [A-Z ]*PRIVATE KEY|signet_[A-Za-z0-9_-]{20}/);
    const types = Object.values({ ...both(stage).state.Resources, ...both(stage).app.Resources }).map(
      ({ Type }) => Type,
    );
    expect(types).not.toContain('AWS::SecretsManager::Secret');
    for (const { Properties } of all(stage, 'AWS::Lambda::Function')) {
      const names = Object.keys(Object(Object(Properties['Environment']).Variables));
      expect(names.filter((name) => /KEY|TOKEN|SECRET$|PASSWORD/.test(name))).toEqual([]);
    }
  });

  test('service and stage are tags of everything that takes tags', () => {
    const tagged = [
      'AWS::Lambda::Function',
      'AWS::DynamoDB::Table',
      'AWS::S3::Bucket',
      'AWS::SQS::Queue',
      'AWS::KMS::Key',
    ];
    for (const type of tagged) {
      each(all(stage, type), () => ({
        Properties: {
          Tags: expect.arrayContaining([
            { Key: 'service', Value: 'signet' },
            { Key: 'stage', Value: stage },
          ]) as unknown,
        },
      }));
    }
  });

  test('outputs are what scripts and people need', () => {
    const own = ({ Outputs }: Template) => Object.keys(Outputs).filter((name) => !name.startsWith('ExportsOutput'));
    expect(own(both(stage).state).sort()).toEqual([
      'BucketName',
      'IssuerKeyArn',
      'LedgerQueueUrl',
      'LogKeyArn',
      'RunsDlqUrl',
      'RunsQueueUrl',
      'Stage',
      'TableName',
      'WitnessKeyArn',
    ]);
    expect(own(both(stage).app).sort()).toEqual(['ApiUrl', 'Stage']);
  });
});

function pascal(name: string): string {
  return name.replaceAll(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase());
}

/** Every allowed action or resource of both stacks that holds a wildcard, as `owner: service: resource`. */
function wildcards(templates: Templates): string[] {
  const found: string[] = [];
  for (const template of [templates.state, templates.app]) {
    const resolve = resolveIn(templates, template);
    for (const [id, { Properties }] of Object.entries(template.Resources)) {
      const owner = id.replace(/(RoleDefaultPolicy)?[0-9A-F]{8}$/, '');
      for (const name of ['PolicyDocument', 'KeyPolicy']) {
        if (Properties[name] === undefined) continue;
        for (const statement of Object(resolve(Properties[name])).Statement as Statement[]) {
          if (statement.Effect !== 'Allow') continue;
          const actions = listOf(statement.Action);
          const service = actions[0]?.split(':')[0];
          if (statement.NotAction !== undefined || statement.NotResource !== undefined) found.push(`${owner}: not`);
          found.push(...actions.filter((action) => action.includes('*')).map((action) => `${owner}: ${action}`));
          found.push(
            ...listOf(statement.Resource)
              .filter((resource) => resource.includes('*'))
              .map((resource) => `${owner}: ${service}: ${resource.replace(/(:::Bucket)[0-9A-F]{8}/, '$1')}`),
          );
        }
      }
    }
  }
  return found;
}
