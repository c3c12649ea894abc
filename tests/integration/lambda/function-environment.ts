/** What is deployed under a name. */
export interface FunctionSpec {
  /** The unpacked zip: `bootstrap` or `index.mjs` with the export `handler`. */
  readonly folder: string;
  /** The function's own variables; nothing of this process reaches it but PATH. They win over the platform's. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told to the function, not enforced. 512 when absent. */
  readonly memory_mb?: number;
  /** From the hand-over of an event. 30,000 when absent. */
  readonly timeout_ms?: number;
  /** Processes at most; a call beyond them is throttled, an event waits. 4 when absent. */
  readonly concurrency?: number;
  /** Whether Node functions find `awslambda`, as on AWS and unlike in emulators. True when absent. */
  readonly has_streaming?: boolean;
  /** How often an event is tried again that ended in an error. 0 when absent; AWS defaults to 2. */
  readonly event_repeats?: number;
}

/** The variables that the platform sets, and the function's own. */
export function functionEnvironment(facts: {
  name: string;
  spec: FunctionSpec;
  runtime_api: string;
  is_native: boolean;
}): Record<string, string> {
  const { name, spec, runtime_api, is_native } = facts;
  return {
    PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    _HANDLER: is_native ? 'bootstrap' : 'index.handler',
    LAMBDA_TASK_ROOT: spec.folder,
    AWS_LAMBDA_RUNTIME_API: runtime_api,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memory_mb ?? 512),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '2030/01/01/[$LATEST]00000000000000000000000000000000',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    ...(is_native ? {} : { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' }),
    ...(spec.has_streaming === false ? { SIGNET_TEST_NO_STREAMING: '1' } : {}),
    ...spec.environment,
  };
}
