import { describe, expect, test } from '@jest/globals';
import { functionNames } from '../../infra/config.ts';
import { listOf } from './evaluate-policy.ts';
import { resolveIn } from './resolve-template.ts';
import { all, both, each, languageOf, nameOf, stages } from './stage-templates.ts';
import type { Resource } from './templates-of.ts';

describe.each(stages)('functions of %s', (stage) => {
  test('there are the eight that exist, and no other (no custom resource brings its own)', () => {
    const names = all(stage, 'AWS::Lambda::Function').map(({ Properties }) => Properties['FunctionName']);
    expect(names.sort()).toEqual(functionNames.map((name) => `signet-${stage}-${name}`).sort());
  });

  test('all arm64, Node 24 or provided.al2023', () => {
    each(all(stage, 'AWS::Lambda::Function'), ({ Properties }) => ({
      Properties: {
        Architectures: ['arm64'],
        Runtime: languageOf(Properties) === 'typescript' ? 'nodejs24.x' : 'provided.al2023',
        Handler: languageOf(Properties) === 'typescript' ? 'index.handler' : 'bootstrap',
      },
    }));
    each(all(stage, 'AWS::Lambda::LayerVersion'), () => ({ Properties: { CompatibleArchitectures: ['arm64'] } }));
  });

  test('memory and timeout are what the stage says', () => {
    const { functions } = both(stage).config;
    each(all(stage, 'AWS::Lambda::Function'), ({ Properties }) => {
      const { memory_mb, timeout_s } = functions[nameOf(Properties)];
      return { Properties: { MemorySize: memory_mb, Timeout: timeout_s } };
    });
  });

  test('JSON logs to a log group of its own', () => {
    const groups = all(stage, 'AWS::Lambda::Function').map(({ Properties }) => {
      const { LogFormat, LogGroup } = Object(Properties['LoggingConfig']);
      expect(LogFormat).toBe('JSON');
      const group = both(stage).app.Resources[LogGroup.Ref];
      expect(group?.Properties['LogGroupName']).toBe(`/aws/lambda/${String(Properties['FunctionName'])}`);
      return LogGroup.Ref;
    });
    expect(new Set(groups).size).toBe(functionNames.length);
  });

  test('active tracing, but for run-script: its role has nothing but its log group', () => {
    const traced = (Properties: Resource['Properties']) => Object(Properties['TracingConfig']).Mode === 'Active';
    const without = all(stage, 'AWS::Lambda::Function').filter(({ Properties }) => !traced(Properties));
    expect(without.map(({ Properties }) => nameOf(Properties))).toEqual(['run-script']);
  });

  test('RecursiveLoop: Allow where jobs wake jobs, and nowhere else', () => {
    const allowed = all(stage, 'AWS::Lambda::Function').filter(({ Properties }) => Properties['RecursiveLoop']);
    expect(allowed.map(({ Properties }) => nameOf(Properties)).sort()).toEqual([
      'advance-run',
      'seal-ledger',
      'serve-api',
      'sweep-due',
    ]);
    each(allowed, () => ({ Properties: { RecursiveLoop: 'Allow' } }));
  });

  test('run-script: invoked asynchronously, no platform retries, per-tenant isolation', () => {
    const [runScript] = all(stage, 'AWS::Lambda::Function').filter(
      ({ Properties }) => nameOf(Properties) === 'run-script',
    );
    expect(runScript).toMatchObject({ Properties: { TenancyConfig: { TenantIsolationMode: 'PER_TENANT' } } });
    const rules = all(stage, 'AWS::Lambda::EventInvokeConfig').filter(
      ({ Properties }) => Object(Properties['FunctionName']).Ref === runScript?.id,
    );
    expect(rules).toHaveLength(1);
    each(rules, () => ({ Properties: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 } }));
  });

  test('every function waits for its policy', () => {
    for (const { id, ...rest } of all(stage, 'AWS::Lambda::Function')) {
      const waits = listOf((rest as { DependsOn?: string | string[] }).DependsOn);
      expect({ id, waits }).toMatchObject({ waits: [expect.stringMatching(/RoleDefaultPolicy/)] });
    }
  });

  test('embed-text has library and model, run-script its image, TypeScript functions the files of the stage', () => {
    const layers = Object.fromEntries(
      all(stage, 'AWS::Lambda::Function').map(({ Properties }) => [
        nameOf(Properties),
        listOf(Properties['Layers']).map((layer) => String(Object(layer).Ref).replace(/[0-9A-F]{8}$/, '')),
      ]),
    );
    expect(layers).toEqual({
      'serve-api': ['StageFiles'],
      'advance-run': ['StageFiles'],
      'seal-ledger': ['StageFiles'],
      'sweep-due': ['StageFiles'],
      'embed-text': ['OnnxRuntime', 'Model'],
      'score-vectors': [],
      'sign-envelope': [],
      'run-script': ['ScriptImage'],
    });
  });

  test('advance-run reads one job at a time, seal-ledger ten wake-ups: both report items, within their concurrency', () => {
    const found = all(stage, 'AWS::Lambda::EventSourceMapping').map(({ Properties }) => {
      const { Ref } = Object(Properties['FunctionName']);
      return [nameOf(both(stage).app.Resources[Ref]?.Properties ?? {}), Properties] as const;
    });
    expect(Object.fromEntries(found)).toMatchObject({
      'advance-run': {
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BatchSize: 1,
        ScalingConfig: { MaximumConcurrency: both(stage).config.runs.concurrency_max },
      },
      'seal-ledger': {
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BatchSize: 10,
        ScalingConfig: { MaximumConcurrency: 2 },
      },
    });
    expect(found).toHaveLength(2);
  });

  test('sign-envelope has an alias for each group of roles, and no version that stays behind', () => {
    const aliases = all(stage, 'AWS::Lambda::Alias').map(({ Properties }) => Properties['Name']);
    expect(aliases.sort()).toEqual(['api', 'log']);
    each(all(stage, 'AWS::Lambda::Alias'), () => ({ Properties: { FunctionVersion: '$LATEST' } }));
  });

  test('sweep-due is started each minute', () => {
    expect(all(stage, 'AWS::Events::Rule')).toMatchObject([
      { Properties: { ScheduleExpression: 'rate(1 minute)', State: 'ENABLED' } },
    ]);
  });
});

describe.each(stages)('the API of %s', (stage) => {
  test('REST API, regional, bodies byte for byte', () => {
    each(all(stage, 'AWS::ApiGateway::RestApi'), () => ({
      Properties: { EndpointConfiguration: { Types: ['REGIONAL'] }, BinaryMediaTypes: ['*/*'] },
    }));
  });

  test('proxy and root, any method, response streaming for up to 15 minutes', () => {
    const methods = all(stage, 'AWS::ApiGateway::Method');
    expect(methods).toHaveLength(2);
    each(methods, () => ({
      Properties: {
        HttpMethod: 'ANY',
        Integration: { Type: 'AWS_PROXY', ResponseTransferMode: 'STREAM', TimeoutInMillis: 900_000 },
      },
    }));
    for (const { Properties } of methods) {
      const { Uri } = Object(Properties['Integration']);
      expect(resolveIn(both(stage), both(stage).app)(Uri)).toBe(
        `arn:aws:apigateway:eu-central-1:lambda:path/2021-11-15/functions/arn:aws:lambda:eu-central-1:111122223333:function:signet-${stage}-serve-api/response-streaming-invocations`,
      );
    }
  });

  test('throttles, tracing, access log without bodies, no execution log', () => {
    const { requests_per_s, burst } = both(stage).config.api;
    const [found] = all(stage, 'AWS::ApiGateway::Stage');
    expect(found).toMatchObject({
      Properties: {
        StageName: stage,
        TracingEnabled: true,
        MethodSettings: [
          {
            HttpMethod: '*',
            ResourcePath: '/*',
            ThrottlingRateLimit: requests_per_s,
            ThrottlingBurstLimit: burst,
            LoggingLevel: 'OFF',
            DataTraceEnabled: false,
          },
        ],
      },
    });
    const { DestinationArn, Format } = Object(found?.Properties['AccessLogSetting']);
    expect(both(stage).app.Resources[DestinationArn['Fn::GetAtt'][0]]?.Type).toBe('AWS::Logs::LogGroup');
    expect(JSON.parse(Format)).toMatchObject({ request_id: '$context.requestId', status: '$context.status' });
    // Of a request only these parts of `$context` may be written down: no body, no header, no query.
    expect(Format).not.toMatch(/body|header|authorizer|requestOverride|querystring|\$input|\$stageVariables/i);
  });

  test('only this API and the schedule may invoke from outside', () => {
    const found = all(stage, 'AWS::Lambda::Permission').map(({ Properties }) => ({
      who: Properties['Principal'],
      has_source: Properties['SourceArn'] !== undefined,
    }));
    expect(found.sort((a, b) => String(a.who).localeCompare(String(b.who)))).toEqual([
      { who: 'apigateway.amazonaws.com', has_source: true },
      { who: 'apigateway.amazonaws.com', has_source: true },
      { who: 'events.amazonaws.com', has_source: true },
    ]);
  });

  test('what API Gateway refuses itself has the form of the product’s errors', () => {
    const bodies = all(stage, 'AWS::ApiGateway::GatewayResponse').map(({ Properties }) => ({
      status: Properties['StatusCode'],
      ...JSON.parse(Object(Properties['ResponseTemplates'])['application/json']).error,
    }));
    expect(bodies).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ status: '429', code: 'rate_limit_exceeded', type: 'rate_limit_error' }),
        expect.objectContaining({ status: '413', code: 'too_large' }),
        expect.objectContaining({ status: '500', code: 'internal', type: 'server_error' }),
      ]),
    );
  });
});
