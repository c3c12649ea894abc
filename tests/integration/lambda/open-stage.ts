import { listedLog } from '../../../functions/domain/ledger/log-identity.ts';
import { newCloudStage } from '../../fixtures/cloud-stage.ts';
import type { CloudStage } from '../../fixtures/cloud-stage.ts';
import { builtPath } from './built-path.ts';
import type { FunctionSpec } from './function-environment.ts';
import { serveInvoke } from './invoke-in-process.ts';
import { startLambdaServer } from './lambda-server.ts';
import type { LambdaServer } from './lambda-server.ts';
import { startHttpGateway } from './http-gateway.ts';
import { rustFunction } from './rust-functions.ts';
import { stageToken } from './stage-token.ts';

export const typescriptFunctions = {
  'serve-api': { memory_mb: 1024, timeout_ms: 900_000 },
  'advance-run': { memory_mb: 1024, timeout_ms: 900_000 },
  'seal-ledger': { memory_mb: 512, timeout_ms: 120_000 },
  'sweep-due': { memory_mb: 512, timeout_ms: 60_000 },
} as const;

const rustFunctions = ['embed-text', 'score-vectors', 'sign-envelope', 'run-script'] as const;

/** A stage that lives as long as a test: storage and keys on the emulator, functions under the test's Lambda service. */
export interface OpenedStage {
  readonly server: LambdaServer;
  /** Names of those that are there. */
  readonly functions: readonly string[];
  /** Whether the Rust functions are among them. */
  readonly has_rust: boolean;
  /** The owner's, as the files of `events/` carry it. */
  readonly owner_token: string;
  readonly environment: CloudStage['environment'];
  /** Base URL of the API, which streams; `run-script` calls back there. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/**
 * Makes table, bucket, queues, issuer key and genesis on the emulator, and deploys the built functions, each wired to the
 * others. A Rust function that is not built is not there; without `sign-envelope` issuer signatures are made in this
 * process, so that the TypeScript functions need no Rust.
 */
export async function openStage({
  emulator_url,
  has_streaming = true,
}: {
  emulator_url: string;
  has_streaming?: boolean;
}): Promise<OpenedStage> {
  process.env['SIGNET_EMULATOR_URL'] = emulator_url;
  const folders = Object.keys(typescriptFunctions).map((name) => [name, builtPath('functions', name)] as const);
  if (folders.some(([, folder]) => folder === undefined)) {
    throw new Error('the functions are not built: `npm run build -- functions`');
  }
  const stage = await newCloudStage(undefined, stageToken);
  const variables = { ...variablesOf(stage.environment), AWS_ENDPOINT_URL: emulator_url };
  const sealing = { ...variablesOf(stage.sealing), AWS_ENDPOINT_URL: emulator_url };
  const rust = builtRustFunctions({
    SIGNET_KMS_ISSUER: stage.issuer_alias,
    SIGNET_KMS_LOG: stage.log_alias,
    SIGNET_LOG_ORIGIN: listedLog(stage.genesis.node_document).origin,
    SIGNET_TABLE: stage.environment.table,
    AWS_ENDPOINT_URL: emulator_url,
  });
  const functions: Record<string, FunctionSpec> = { ...rust };
  for (const [name, folder = ''] of folders) {
    const sizes = typescriptFunctions[name as keyof typeof typescriptFunctions];
    const environment = name === 'seal-ledger' ? sealing : variables;
    functions[name] = { folder, ...sizes, environment, has_streaming, concurrency: 8 };
  }
  const server = await startLambdaServer({ functions });
  const gateway = await startHttpGateway({ server, function_name: 'serve-api', stage: 'test' });
  const in_process = 'sign-envelope' in rust ? undefined : await serveInvoke(stage.invoke);
  // Processes start when they are first called: they see what is set here.
  const lambda = { AWS_ENDPOINT_URL_LAMBDA: in_process?.url ?? server.url };
  Object.assign(variables, { SIGNET_API_URL: gateway.url, ...lambda });
  Object.assign(sealing, lambda);
  return {
    server,
    functions: Object.keys(functions),
    has_rust: 'sign-envelope' in rust,
    owner_token: stage.owner_token,
    environment: stage.environment,
    url: gateway.url,
    async stop() {
      await gateway.stop();
      await server.stop();
      await in_process?.stop();
      await stage.close();
    },
  };
}

function builtRustFunctions(variables: Readonly<Record<string, string>>): Record<string, FunctionSpec> {
  const functions: Record<string, FunctionSpec> = {};
  for (const name of rustFunctions) {
    try {
      functions[name] = rustFunction(name, variables);
    } catch {
      // It, its model or its image is not built here.
    }
  }
  return functions;
}

/** `queue_runs` is `SIGNET_QUEUE_RUNS`, as in `read-cloud-environment.ts`. */
function variablesOf(environment: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, text]) => [`SIGNET_${name.toUpperCase()}`, String(text)]),
  );
}
