import { describe, expect, test } from '@jest/globals';
import { functionNames, type FunctionName } from '../../infra/config.ts';
import { evaluatePolicy, listOf, type Statement } from './evaluate-policy.ts';
import { place, resolveIn } from './resolve-template.ts';
import { roleOf } from './role-of.ts';
import { ofType, templatesOf } from './templates-of.ts';

const templates = templatesOf({ stage: 'prod' });
const here = `${place.region}:${place.account}`;
const inState = resolveIn(templates, templates.state);
const arnOf = (type: string, part: string) => {
  const found = ofType(templates.state, type).find(({ id }) => id.startsWith(part));
  return String(inState({ 'Fn::GetAtt': [found?.id, 'Arn'] }));
};
const bucket = arnOf('AWS::S3::Bucket', 'Bucket');

/** Everything a request could be about: what belongs to the stage, and neighbours of it. */
const table_arn = arnOf('AWS::DynamoDB::Table', 'Table');
const resources = {
  table: table_arn,
  'rows of the node': table_arn,
  'rows of the log': table_arn,
  'lock row': table_arn,
  'rows of a tenant and the lock row': table_arn,
  'table of others': `arn:aws:dynamodb:${here}:table/other`,
  bucket,
  'content object': `${bucket}/content/a-tenant/${'0'.repeat(64)}`,
  'log object': `${bucket}/log/checkpoint`,
  'staging object': `${bucket}/staging/1`,
  'vectors object': `${bucket}/vectors/a-tenant/c/1`,
  'object of another bucket': 'arn:aws:s3:::other/content/a-tenant/1',
  ledger: arnOf('AWS::SQS::Queue', 'LedgerQueue'),
  'ledger-dlq': arnOf('AWS::SQS::Queue', 'LedgerDeadLetters'),
  runs: arnOf('AWS::SQS::Queue', 'RunsQueue'),
  'runs-dlq': arnOf('AWS::SQS::Queue', 'RunsDeadLetters'),
  'queue of others': `arn:aws:sqs:${here}:other`,
  'issuer key': arnOf('AWS::KMS::Key', 'IssuerKey'),
  'log key': arnOf('AWS::KMS::Key', 'LogKey'),
  'witness key': arnOf('AWS::KMS::Key', 'WitnessKey'),
  'key of others': `arn:aws:kms:${here}:key/other`,
  secret: `arn:aws:secretsmanager:${here}:secret:signet/prod/OPENAI_API_KEY-a1B2c3`,
  'secret of another stage': `arn:aws:secretsmanager:${here}:secret:signet/dev/OPENAI_API_KEY-a1B2c3`,
  'secret of others': `arn:aws:secretsmanager:${here}:secret:database-a1B2c3`,
  'function of others': `arn:aws:lambda:${here}:function:other`,
  'log group of others': `arn:aws:logs:${here}:log-group:/aws/lambda/other:log-stream:1`,
  trace: '*',
  role: roleOf(templates, 'sign-envelope').role_arn,
  topic: `arn:aws:sns:${here}:Topic`,
  ...eachFunction((name) => [name, `arn:aws:lambda:${here}:function:signet-prod-${name}`]),
  'sign-envelope:api': `arn:aws:lambda:${here}:function:signet-prod-sign-envelope:api`,
  'sign-envelope:log': `arn:aws:lambda:${here}:function:signet-prod-sign-envelope:log`,
  ...eachFunction((name) => [
    `log of ${name}`,
    `arn:aws:logs:${here}:log-group:/aws/lambda/signet-prod-${name}:log-stream:1`,
  ]),
};

/** Partition keys of the rows that a request is about. */
const rows: Readonly<Record<string, readonly string[]>> = {
  table: ['t#default#tools'],
  'rows of the node': ['identity', 'identity#did:key:z6Mk'],
  'rows of the log': ['ledger#pending#0', 'ledger#index#00'],
  'lock row': ['ledger#lock'],
  'rows of a tenant and the lock row': ['t#default#tools', 'ledger#lock'],
};

type ResourceName = keyof typeof resources | FunctionName | `log of ${FunctionName}`;

const table_reads = ['BatchGetItem', 'GetItem', 'Query'];
const table = ['BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'];
const receives = ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'];
const of = (service: string, names: readonly string[]) => names.map((name) => `${service}:${name}`);

/** Every row, but what the log was committed as: that is written by its sealer alone. */
const anyRow: Partial<Record<ResourceName, readonly string[]>> = {
  table: of('dynamodb', table),
  'rows of the node': of('dynamodb', table),
  'rows of the log': of('dynamodb', table),
  'lock row': of('dynamodb', [...table_reads, 'ConditionCheckItem']),
  'rows of a tenant and the lock row': of('dynamodb', [...table_reads, 'ConditionCheckItem']),
};

const node: Partial<Record<ResourceName, readonly string[]>> = {
  ...anyRow,
  trace: of('xray', ['PutTraceSegments', 'PutTelemetryRecords']),
  bucket: ['s3:ListBucket'],
  'content object': of('s3', ['DeleteObject', 'GetObject', 'PutObject']),
  'log object': ['s3:GetObject'],
  runs: ['sqs:SendMessage'],
  ledger: ['sqs:SendMessage'],
  secret: ['secretsmanager:GetSecretValue'],
  'embed-text': ['lambda:InvokeFunction'],
  'score-vectors': ['lambda:InvokeFunction'],
  'sign-envelope:api': ['lambda:InvokeFunction'],
  'run-script': ['lambda:InvokeFunction'],
};

/** What each function may do beside writing its own log. Whatever is not here must be refused. */
const rights: Readonly<Record<FunctionName, Partial<Record<ResourceName, readonly string[]>>>> = {
  'serve-api': node,
  'advance-run': {
    ...node,
    runs: of('sqs', ['SendMessage', ...receives]),
    'runs-dlq': ['sqs:SendMessage'],
  },
  'seal-ledger': {
    trace: node.trace ?? [],
    'rows of the log': of('dynamodb', table),
    'lock row': of('dynamodb', table),
    'rows of the node': of('dynamodb', table_reads),
    bucket: ['s3:ListBucket'],
    'log object': of('s3', ['DeleteObject', 'GetObject', 'PutObject']),
    'staging object': of('s3', ['DeleteObject', 'GetObject', 'PutObject']),
    ledger: of('sqs', receives),
    'sign-envelope:log': ['lambda:InvokeFunction'],
  },
  'sweep-due': { ...anyRow, trace: node.trace ?? [], runs: ['sqs:SendMessage'], ledger: ['sqs:SendMessage'] },
  'embed-text': { trace: node.trace ?? [] },
  'score-vectors': { trace: node.trace ?? [] },
  'sign-envelope': {
    trace: node.trace ?? [],
    'issuer key': of('kms', ['GetPublicKey', 'Sign']),
    'log key': of('kms', ['GetPublicKey', 'Sign']),
    'lock row': ['dynamodb:GetItem'],
  },
  'run-script': {},
};

/** Actions that someone has, and those that nobody must have. */
const actions = [
  ...new Set([
    ...Object.values(rights).flatMap((byResource) => Object.values(byResource).flat()),
    ...of('dynamodb', ['Scan', 'DeleteTable', 'UpdateTable', 'PartiQLDelete', 'ExportTableToPointInTime']),
    ...of('s3', [
      'DeleteObjectVersion',
      'PutBucketPolicy',
      'DeleteBucket',
      'GetObjectVersion',
      'PutLifecycleConfiguration',
    ]),
    ...of('sqs', ['PurgeQueue', 'DeleteQueue', 'SetQueueAttributes', 'StartMessageMoveTask', 'AddPermission']),
    ...of('kms', ['Decrypt', 'CreateGrant', 'ScheduleKeyDeletion', 'PutKeyPolicy', 'DisableKey']),
    ...of('secretsmanager', ['PutSecretValue', 'ListSecrets', 'DeleteSecret', 'CreateSecret']),
    ...of('lambda', ['UpdateFunctionCode', 'UpdateFunctionConfiguration', 'AddPermission', 'CreateFunction']),
    ...of('logs', ['CreateLogStream', 'PutLogEvents', 'GetLogEvents', 'DeleteLogGroup', 'CreateLogGroup']),
    ...of('iam', ['PassRole', 'CreateRole', 'PutRolePolicy', 'AttachRolePolicy']),
    ...of('sts', ['AssumeRole']),
    ...of('sns', ['Publish']),
    ...of('ec2', ['RunInstances']),
  ]),
];

describe('each role can do what its row says and nothing else', () => {
  test.each(functionNames)('%s', (name) => {
    const { statements } = roleOf(templates, name);
    const own: Record<string, readonly string[]> = {
      ...rights[name],
      [`log of ${name}`]: of('logs', ['CreateLogStream', 'PutLogEvents']),
    };
    const wrong: string[] = [];
    for (const [resource, arn] of Object.entries(resources)) {
      for (const action of actions) {
        const wanted = own[resource]?.includes(action) === true ? 'allowed' : 'refused';
        if (resource !== 'trace' && (node.trace ?? []).includes(action)) continue;
        const partitions = rows[resource];
        const context = partitions === undefined ? {} : { 'dynamodb:LeadingKeys': partitions };
        if (evaluatePolicy(statements, { action, resource: arn, context }) !== wanted) {
          wrong.push(`${action} on ${resource} must be ${wanted}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test('whoever calls sign-envelope calls one of its aliases', () => {
    const callers = functionNames.filter((name) =>
      functionNames.some((other) => JSON.stringify(roleOf(templates, name).variables).includes(`prod-${other}`)),
    );
    expect(callers.sort()).toEqual(['advance-run', 'seal-ledger', 'serve-api']);
    expect(roleOf(templates, 'serve-api').variables['SIGNET_FN_SIGN_ENVELOPE']).toBe('signet-prod-sign-envelope:api');
    expect(roleOf(templates, 'seal-ledger').variables['SIGNET_FN_SIGN_ENVELOPE']).toBe('signet-prod-sign-envelope:log');
  });

  test('what is allowed somewhere is known to this file', () => {
    const granted = functionNames.flatMap((name) =>
      roleOf(templates, name).statements.flatMap(({ Action }) => listOf(Action)),
    );
    expect(granted.filter((action) => !actions.includes(action))).toEqual([]);
  });
});

describe('rights and variables come together', () => {
  const variables: Readonly<Record<FunctionName, readonly string[]>> = {
    'serve-api': [
      'SIGNET_API_URL',
      'SIGNET_BUCKET',
      'SIGNET_FN_EMBED_TEXT',
      'SIGNET_FN_RUN_SCRIPT',
      'SIGNET_FN_SCORE_VECTORS',
      'SIGNET_FN_SIGN_ENVELOPE',
      'SIGNET_QUEUE_LEDGER',
      'SIGNET_QUEUE_RUNS',
      'SIGNET_SCRIPT_ISOLATION',
      'SIGNET_SECRETS_PREFIX',
      'SIGNET_STAGE',
      'SIGNET_TABLE',
    ],
    'advance-run': [],
    'seal-ledger': ['SIGNET_BUCKET', 'SIGNET_FN_SIGN_ENVELOPE', 'SIGNET_QUEUE_LEDGER', 'SIGNET_STAGE', 'SIGNET_TABLE'],
    'sweep-due': ['SIGNET_QUEUE_LEDGER', 'SIGNET_QUEUE_RUNS', 'SIGNET_STAGE', 'SIGNET_TABLE'],
    'embed-text': ['SIGNET_STAGE'],
    'score-vectors': ['SIGNET_STAGE'],
    'sign-envelope': ['SIGNET_KMS_ISSUER', 'SIGNET_KMS_LOG', 'SIGNET_LOG_ORIGIN', 'SIGNET_STAGE', 'SIGNET_TABLE'],
    'run-script': ['SIGNET_STAGE'],
  };

  test.each(functionNames)('%s knows what it may use, by the contract’s names', (name) => {
    const wanted = name === 'advance-run' ? [...variables['serve-api'], 'SIGNET_QUEUE_RUNS_DLQ'] : variables[name];
    expect(Object.keys(roleOf(templates, name).variables).sort()).toEqual([...wanted].sort());
  });

  test('the variables name what the rights are for', () => {
    const { variables: named } = roleOf(templates, 'advance-run');
    expect(named).toMatchObject({
      SIGNET_STAGE: 'prod',
      SIGNET_TABLE: resources.table.split('/').at(-1),
      SIGNET_BUCKET: bucket.split(':').at(-1),
      SIGNET_QUEUE_RUNS: expect.stringMatching(/^https:.*RunsQueue/),
      SIGNET_QUEUE_RUNS_DLQ: expect.stringMatching(/^https:.*RunsDeadLetters/),
      SIGNET_FN_RUN_SCRIPT: 'signet-prod-run-script',
      SIGNET_SECRETS_PREFIX: 'signet/prod/',
      SIGNET_SCRIPT_ISOLATION: 'per-tenant',
      SIGNET_API_URL: expect.stringMatching(/^https:\/\/\w+\.execute-api\.eu-central-1\.amazonaws\.com\/prod$/),
    });
    expect(roleOf(templates, 'sign-envelope').variables).toMatchObject({
      SIGNET_KMS_ISSUER: resources['issuer key'],
      SIGNET_KMS_LOG: resources['log key'],
      SIGNET_LOG_ORIGIN: 'signet/placeholder',
    });
  });
});

describe('keys', () => {
  const signer = roleOf(templates, 'sign-envelope').role_arn;
  const policies = ofType(templates.state, 'AWS::KMS::Key').map(({ id, Properties }) => ({
    id,
    statements: Object(inState(Properties['KeyPolicy'])).Statement as Statement[],
  }));

  test('there is one for the issuer, the log and the witness', () => {
    expect(policies.map(({ id }) => id.slice(0, -'Key01234567'.length)).sort()).toEqual(['Issuer', 'Log', 'Witness']);
  });

  test.each(policies)(
    '$id: sign-envelope’s role alone signs, administrators of the account do not',
    ({ statements }) => {
      const ask = (principal: string, action: string) =>
        evaluatePolicy(statements, { action, resource: 'the key', context: { 'aws:PrincipalArn': principal } });
      const administrator = `arn:aws:iam::${place.account}:role/Administrator`;
      expect(ask(signer, 'kms:Sign')).toBe('allowed');
      expect(ask(administrator, 'kms:Sign')).toBe('refused');
      expect(ask(roleOf(templates, 'serve-api').role_arn, 'kms:Sign')).toBe('refused');
      // Without these the key could not be kept, replaced or read.
      for (const action of ['kms:PutKeyPolicy', 'kms:GetPublicKey', 'kms:ScheduleKeyDeletion', 'kms:UpdateAlias']) {
        expect(ask(administrator, action)).toBe('allowed');
      }
      for (const action of ['kms:CreateGrant', 'kms:GenerateMac', 'kms:Decrypt', 'kms:ReplicateKey']) {
        expect(ask(administrator, action)).toBe('refused');
      }
    },
  );

  test('no policy of either stack allows kms:Sign but the role of sign-envelope', () => {
    const holders = ofType(templates.app, 'AWS::IAM::Policy')
      .concat(ofType(templates.state, 'AWS::IAM::Policy'))
      .filter(({ Properties }) => JSON.stringify(Properties).includes('kms:'));
    expect(holders.map(({ id }) => id)).toEqual([expect.stringMatching(/^SignEnvelopeRoleDefaultPolicy/)]);
  });
});

function eachFunction(entry: (name: FunctionName) => [string, string]): Record<string, string> {
  return Object.fromEntries(functionNames.map(entry));
}
