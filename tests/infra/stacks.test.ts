import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makePlaceholderArtefacts } from './placeholder-artefacts.ts';
import { allTemplatesOf, ofType, type Template, type Templates } from './templates-of.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signet-stacks-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const overrides = {
  api: {
    web_acl_arn: 'arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/w/1',
    function_url: true,
    account_log_role: false,
  },
  alarms: { email: 'who@example.org' },
  runs: { isolation: 'shared' },
  tags: { team: 'a' },
};
const endpoint_url = 'http://127.0.0.1:4566';
const emulator = { endpoint_url, environment: { SIGNET_GENESIS: '/x/genesis.json' } };
const [prod, dev, again, alone, chosen, emulated] = allTemplatesOf([
  { stage: 'prod', with_nag: true },
  { stage: 'dev' },
  { stage: 'dev' },
  { stage: 'dev', only_state: true },
  { stage: 'prod', overrides },
  { stage: 'dev', overrides: { emulator } },
]) as [Templates, Templates, Templates, Templates, Templates, Templates];

describe('cdk-nag', () => {
  test('finds nothing that has no reason, and no reason is left over', () => {
    expect(prod.nag).toEqual({ unanswered: [], unused: [] });
  });
});

describe('the State stack', () => {
  test('is the same alone and with the App stack: a deploy of it alone takes no export away', () => {
    expect(alone.state).toEqual(dev.state);
  });
});

describe('assets', () => {
  test('made in two folders they have the same hashes, and so have the templates', () => {
    expect(Object.keys(again.assets)).toEqual(Object.keys(dev.assets));
    expect(Object.keys(dev.assets).length).toBeGreaterThanOrEqual(11);
    expect([again.state, again.app]).toEqual([dev.state, dev.app]);
  });

  test('no template names a path of the machine that made it', () => {
    const text = JSON.stringify([dev.state, dev.app]);
    for (const path of [process.cwd(), tmpdir(), process.env['HOME'] ?? tmpdir()])
      expect(text).not.toContain(`${path}/`);
  });
});

describe('what a stage may choose', () => {
  test('a firewall before the API', () => {
    expect(ofType(chosen.app, 'AWS::WAFv2::WebACLAssociation')).toMatchObject([
      { Properties: { WebACLArn: expect.stringContaining(':wafv2:') as unknown } },
    ]);
  });

  test('an address of serve-api itself, which streams and checks keys itself', () => {
    expect(ofType(chosen.app, 'AWS::Lambda::Url')).toMatchObject([
      { Properties: { AuthType: 'NONE', InvokeMode: 'RESPONSE_STREAM' } },
    ]);
    expect(chosen.app.Outputs).toHaveProperty('FunctionUrl');
  });

  test('an address that hears of alarms', () => {
    expect(ofType(chosen.app, 'AWS::SNS::Subscription')).toMatchObject([
      { Properties: { Protocol: 'email', Endpoint: 'who@example.org' } },
    ]);
  });

  test('machines that tenants share, where the region has no others', () => {
    for (const { Properties } of ofType(chosen.app, 'AWS::Lambda::Function')) {
      expect(Properties['TenancyConfig']).toBeUndefined();
    }
    expect(variablesOf(chosen.app, 'serve-api')).toMatchObject({ SIGNET_SCRIPT_ISOLATION: 'shared' });
  });

  test('the account’s own role for logs', () => {
    expect(ofType(chosen.state, 'AWS::ApiGateway::Account')).toEqual([]);
  });

  test('tags of its own', () => {
    for (const { Properties } of ofType(chosen.app, 'AWS::Lambda::Function')) {
      expect(Properties['Tags']).toContainEqual({ Key: 'team', Value: 'a' });
    }
  });
});

describe('a stage in an emulator', () => {
  test('has functions of this machine, buffered answers and shared machines', () => {
    const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
    for (const { Properties } of ofType(emulated.app, 'AWS::Lambda::Function')) {
      expect(Properties).toMatchObject({ Architectures: [architecture] });
      expect(Properties['TenancyConfig']).toBeUndefined();
    }
    for (const { Properties } of ofType(emulated.app, 'AWS::ApiGateway::Method')) {
      expect(JSON.stringify(Properties)).toContain(':lambda:path/2015-03-31/functions/');
      expect(Properties).not.toMatchObject({ Integration: { ResponseTransferMode: 'STREAM' } });
    }
  });

  test('tells its functions where they are', () => {
    const variables = variablesOf(emulated.app, 'serve-api');
    expect(variables).toMatchObject({ AWS_ENDPOINT_URL: endpoint_url, SIGNET_GENESIS: '/x/genesis.json' });
    expect(JSON.stringify(variables['SIGNET_API_URL'])).toContain(`${endpoint_url}/_aws/execute-api/`);
  });
});

describe('the app', () => {
  const build = () => join(folder, 'build');
  const run = (context: object) =>
    spawnSync(process.execPath, ['infra/bin/signet.ts'], {
      env: { PATH: process.env['PATH'], CDK_OUTDIR: join(folder, 'app'), CDK_CONTEXT_JSON: JSON.stringify(context) },
      encoding: 'utf8',
    });
  beforeAll(() => makePlaceholderArtefacts(build()));

  test('makes both stacks with the placeholder genesis', () => {
    const { status, stderr } = run({ stage: 'blue-2', genesis: 'placeholder', build: build() });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const stacks = Object.keys(JSON.parse(readFileSync(join(folder, 'app', 'manifest.json'), 'utf8')).artifacts);
    expect(stacks).toEqual(expect.arrayContaining(['Signet-blue-2-State', 'Signet-blue-2-App']));
  });

  test('makes State without a genesis, and names the command where App needs one', () => {
    expect(run({ stage: 'blue-2', stacks: 'state', build: build() })).toMatchObject({ status: 0 });
    expect(run({ stage: 'blue-2', build: build() })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('`npm run deploy -- --stage blue-2` makes it') as unknown,
    });
  });

  test('says which stage is expected, and takes overrides from a file', () => {
    expect(run({})).toMatchObject({ status: 1, stderr: expect.stringContaining('-c stage=dev') as unknown });
    const overrides = join(folder, 'overrides.json');
    writeFileSync(overrides, '{"log_days":2}');
    expect(run({ stage: 'dev', stacks: 'state', overrides })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('`log_days`') as unknown,
    });
  });
});

function variablesOf(app: Template, name: string): Record<string, unknown> {
  const found = ofType(app, 'AWS::Lambda::Function').find(({ Properties }) =>
    String(Properties['FunctionName']).endsWith(`-${name}`),
  );
  return Object(Object(found?.Properties['Environment']).Variables);
}
