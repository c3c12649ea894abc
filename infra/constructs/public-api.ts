import {
  AccessLogFormat,
  EndpointType,
  LambdaIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  ResponseTransferMode,
  ResponseType,
  RestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import records from '../../shared/records/errors.json' with { type: 'json' };
import type { StageConfig } from '../config.ts';
import type { SignetFunction } from './signet-function.ts';

const { errors } = records;

/**
 * The public door: every path and method goes to one function, which answers in a stream. The door itself limits the
 * rate and writes down who came, never what was said.
 */
export class PublicApi extends Construct {
  readonly api: RestApi;
  /** Base URL without a slash at its end. It names the API and not its stage, so a function behind it may know it. */
  readonly url: string;

  constructor(scope: Construct, id: string, { config }: { readonly config: StageConfig }) {
    super(scope, id);
    const log = new LogGroup(this, 'AccessLog', {
      retention: config.log_days,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.api = new RestApi(this, 'Api', {
      restApiName: `signet-${config.stage}`,
      description: `signet ${config.stage}`,
      endpointTypes: [EndpointType.REGIONAL],
      cloudWatchRole: false,
      // A body must arrive byte for byte: as text, API Gateway would repair what the strict parser has to refuse.
      binaryMediaTypes: ['*/*'],
      deployOptions: {
        stageName: config.stage,
        throttlingRateLimit: config.api.requests_per_s,
        throttlingBurstLimit: config.api.burst,
        accessLogDestination: new LogGroupLogDestination(log),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
        // Execution logs hold bodies and keys.
        loggingLevel: MethodLoggingLevel.OFF,
        dataTraceEnabled: false,
        tracingEnabled: true,
      },
    });
    // CDK's own output of the address would stand beside ours.
    this.api.node.tryRemoveChild('Endpoint');
    this.url = urlOf(config, this.api.restApiId);
    for (const refusal of refusals) this.answerItself(refusal);
    const { web_acl_arn } = config.api;
    if (web_acl_arn !== undefined) {
      new CfnWebACLAssociation(this, 'Firewall', {
        webAclArn: web_acl_arn,
        resourceArn: this.api.deploymentStage.stageArn,
      });
    }
  }

  /** Sends every request to `handler`. */
  serve(handler: SignetFunction, config: StageConfig): void {
    const integration = new LambdaIntegration(handler.function, {
      responseTransferMode: config.emulator === undefined ? ResponseTransferMode.STREAM : ResponseTransferMode.BUFFERED,
      timeout: Duration.seconds(config.functions[handler.name].timeout_s),
      allowTestInvoke: false,
    });
    this.api.root.addMethod('ANY', integration);
    this.api.root.addProxy({ anyMethod: true, defaultIntegration: integration });
  }

  private answerItself({ type, code, message, headers }: Refusal): void {
    const record = errors.find((candidate) => candidate.code === code);
    if (record === undefined) throw new Error(`expected a known error, got \`${code}\``);
    const error = { message, type: record.openai_type, param: null, code };
    this.api.addGatewayResponse(code, {
      type,
      statusCode: String(record.status),
      responseHeaders: headers,
      templates: { 'application/json': JSON.stringify({ error }) },
    });
  }
}

/** What the access log tells of a request. Neither bodies nor headers: keys travel in headers. */
const accessLogFields = {
  request_id: '$context.requestId',
  at: '$context.requestTimeEpoch',
  source: '$context.identity.sourceIp',
  agent: '$context.identity.userAgent',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  response_bytes: '$context.responseLength',
  response_ms: '$context.responseLatency',
  error: '$context.error.messageString',
};

interface Refusal {
  readonly type: ResponseType;
  /** Of the product's own table of errors. */
  readonly code: string;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What API Gateway says without asking the function, in the shape that clients of the API read. */
const refusals: readonly Refusal[] = [
  {
    type: ResponseType.THROTTLED,
    code: 'rate_limit_exceeded',
    message: 'the node gets more requests than its stage allows',
    headers: { 'retry-after': "'1'" },
  },
  {
    type: ResponseType.REQUEST_TOO_LARGE,
    code: 'too_large',
    message: 'the body is larger than the node takes',
    headers: { 'x-should-retry': "'false'" },
  },
  { type: ResponseType.DEFAULT_5XX, code: 'internal', message: 'the node did not answer', headers: {} },
];

function urlOf({ stage, emulator }: StageConfig, id: string): string {
  if (emulator !== undefined) return `${emulator.endpoint_url}/_aws/execute-api/${id}/${stage}`;
  return `https://${id}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}/${stage}`;
}
