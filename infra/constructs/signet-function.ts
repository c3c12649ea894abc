import { CfnPolicy, type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  Architecture,
  CfnFunction,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
  TenancyConfig,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Duration, RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { type FunctionName, functionLanguages, type StageConfig } from '../config.ts';
import { allow, type Bindable } from './bindable.ts';
import { assertFits, type FolderLayer } from './folder-layer.ts';

export interface SignetFunctionProps {
  readonly config: StageConfig;
  readonly name: FunctionName;
  /** Folder with `index.mjs` or `bootstrap`. */
  readonly code: string;
  readonly layers?: readonly FolderLayer[];
  /** Jobs wake jobs through this function: AWS must not take that for a loop without end. */
  readonly wakes_itself?: boolean;
  /** Not traced: tracing needs a right, and some function shall have none. */
  readonly untraced?: boolean;
  /** Each tenant's invocations in machines of their own. */
  readonly per_tenant?: boolean;
  /** Only where another stack must know the role before it exists. */
  readonly role_name?: string;
}

/**
 * One function with what belongs to it alone: its role, which can write the function's own log and nothing else until
 * `bind` says so, and its log group, which goes when the function goes.
 */
export class SignetFunction extends Construct implements Bindable<'invoke'> {
  readonly name: FunctionName;
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly logGroup: LogGroup;
  readonly variables: Readonly<Record<string, string>>;

  constructor(scope: Construct, id: string, props: SignetFunctionProps) {
    super(scope, id);
    const { config, name, code, layers = [] } = props;
    assertFits({ name, code, layers });
    const function_name = `signet-${config.stage}-${name}`;
    this.name = name;
    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${function_name}`,
      retention: config.log_days,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      ...(props.role_name === undefined ? {} : { roleName: props.role_name }),
    });
    this.grant(allow(['logs:CreateLogStream', 'logs:PutLogEvents'], [this.logGroup.logGroupArn]));
    const { memory_mb, timeout_s } = config.functions[name];
    const is_rust = functionLanguages[name] === 'rust';
    this.function = new LambdaFunction(this, 'Function', {
      functionName: function_name,
      runtime: is_rust ? Runtime.PROVIDED_AL2023 : Runtime.NODEJS_24_X,
      handler: is_rust ? 'bootstrap' : 'index.handler',
      code: Code.fromAsset(code),
      architecture: architectureOf(config),
      layers: [...layers],
      memorySize: memory_mb,
      timeout: Duration.seconds(timeout_s),
      role: this.role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(props.untraced === true ? {} : { tracing: Tracing.ACTIVE }),
      ...(props.wakes_itself === true ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
      ...(props.per_tenant === true ? { tenancyConfig: TenancyConfig.PER_TENANT } : {}),
      environment: { SIGNET_STAGE: config.stage, ...emulatorVariables(config) },
    });
    this.waitForPolicy();
    this.variables = { [`SIGNET_FN_${name.toUpperCase().replaceAll('-', '_')}`]: this.function.functionName };
  }

  /** Grants the right and sets the variables that name the resource. */
  bind<Right extends string>(resource: Bindable<Right>, right: Right): this {
    for (const statement of resource.statements(right)) this.grant(statement);
    for (const [name, value] of Object.entries(resource.variables)) this.setVariable(name, value);
    return this;
  }

  /** A variable that names no resource. */
  setVariable(name: string, value: string): this {
    this.function.addEnvironment(name, value);
    return this;
  }

  statements(_right: 'invoke'): readonly PolicyStatement[] {
    return [allow(['lambda:InvokeFunction'], [this.function.functionArn])];
  }

  /** The function under one of its aliases. */
  as(alias: string): Bindable<'invoke'> {
    const made = new Alias(this, `Alias-${alias}`, {
      aliasName: alias,
      version: this.function.latestVersion,
    });
    const [variable = ''] = Object.keys(this.variables);
    return {
      variables: { [variable]: `${this.function.functionName}:${made.aliasName}` },
      statements: () => [allow(['lambda:InvokeFunction'], [`${this.function.functionArn}:${alias}`])],
    };
  }

  /**
   * The function waits for its policy. CDK makes it wait for its role as well, which its own reference to the role
   * does already, and linters complain of.
   */
  private waitForPolicy(): void {
    const policy = this.role.node.findChild('DefaultPolicy').node.defaultChild;
    const { defaultChild } = this.function.node;
    if (policy instanceof CfnPolicy && defaultChild instanceof CfnFunction) {
      defaultChild.addOverride('DependsOn', [policy.logicalId]);
    }
  }

  private grant(statement: PolicyStatement): void {
    this.role.addToPrincipalPolicy(statement);
  }
}

/** Arm64 wherever there is a choice; an emulator runs functions as processes of its own machine. */
export function architectureOf(config: StageConfig): Architecture {
  if (config.emulator === undefined) return Architecture.ARM_64;
  return process.arch === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64;
}

function emulatorVariables({ emulator }: StageConfig): Readonly<Record<string, string>> {
  return emulator === undefined ? {} : { AWS_ENDPOINT_URL: emulator.endpoint_url, ...emulator.environment };
}
