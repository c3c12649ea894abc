import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { newCloudStage } from '../../fixtures/cloud-stage.ts';
import type { CloudStage } from '../../fixtures/cloud-stage.ts';
import { builtPath } from './built-path.ts';
import type { FunctionSpec } from './function-environment.ts';
import { serveInvoke } from './invoke-in-process.ts';
import { startLambdaServer } from './lambda-server.ts';
import type { LambdaServer } from './lambda-server.ts';
import { rustFunction } from './rust-functions.ts';
import { stageToken } from './stage-token.ts';

export const typescriptFunctions = {
  'serve-api': { memory_mb: 1024, timeout_ms: 900_000 },
  'advance-run': { memory_mb: 1024, timeout_ms: 900_000 },
  'sweep-due': { memory_mb: 512, timeout_ms: 60_000 },
} as const;

const computingFunctions = ['embed-text', 'score-vectors', 'sign-envelope'] as const;

/** A stage that lives as long as a test: storage and keys on the emulator, functions under the test's Lambda service. */
export interface OpenedStage {
  readonly server: LambdaServer;
  /** The owner's, as the files of `events/` carry it. */
  readonly owner_token: string;
  readonly environment: CloudStage['environment'];
  stop(): Promise<void>;
}

/**
 * Makes table, bucket, queues, issuer key and genesis on the emulator, and deploys the built TypeScript functions beside
 * the Rust functions that compute. Where those are not built, issuer signatures are made in this process and the rest is
 * refused: it says so by `has_rust`.
 */
export async function openStage({
  emulator_url,
  has_streaming = true,
}: {
  emulator_url: string;
  has_streaming?: boolean;
}): Promise<OpenedStage & { readonly has_rust: boolean }> {
  process.env['SIGNET_EMULATOR_URL'] = emulator_url;
  const stage = await newCloudStage(undefined, stageToken);
  const variables = { ...variablesOf(stage), AWS_ENDPOINT_URL: emulator_url };
  const functions: Record<string, FunctionSpec> = {};
  for (const [name, sizes] of Object.entries(typescriptFunctions)) {
    const folder = builtPath('functions', name);
    if (folder === undefined) throw new Error('the functions are not built: `npm run build -- functions`');
    functions[name] = { folder, ...sizes, environment: variables, has_streaming };
  }
  const has_rust = existsSync(join(builtPath('lambdas-host', 'sign-envelope') ?? '', 'bootstrap'));
  for (const name of has_rust ? computingFunctions : []) {
    functions[name] = rustFunction(name, { SIGNET_KMS_ISSUER: stage.issuer_alias, AWS_ENDPOINT_URL: emulator_url });
  }
  const server = await startLambdaServer({ functions });
  const in_process = has_rust ? undefined : await serveInvoke(stage.invoke);
  // Processes start when they are first called: they see what is set here.
  Object.assign(variables, { AWS_ENDPOINT_URL_LAMBDA: in_process?.url ?? server.url });
  return {
    server,
    has_rust,
    owner_token: stage.owner_token,
    environment: stage.environment,
    async stop() {
      await server.stop();
      await in_process?.stop();
      await stage.close();
    },
  };
}

/** `queue_runs` is `SIGNET_QUEUE_RUNS`, as in `read-cloud-environment.ts`. */
function variablesOf({ environment }: CloudStage): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, text]) => [`SIGNET_${name.toUpperCase()}`, text]));
}
