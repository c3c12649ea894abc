import { join } from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { client_settings } from '../../../functions/adapters/aws/client-settings.ts';
import { functionInvoker } from '../../../functions/adapters/lambda/invoke-function.ts';
import type { InvokeFunction } from '../../../functions/adapters/lambda/function-call.ts';
import { findOnnxRuntime } from '../../../functions/adapters/native/find-onnxruntime.ts';
import registry from '../../../layers/models/models.json' with { type: 'json' };
import { builtPath } from './built-path.ts';
import type { FunctionSpec } from './function-environment.ts';
import { startLambdaServer } from './lambda-server.ts';
import type { LambdaServer } from './lambda-server.ts';

export type RustFunction = 'embed-text' | 'score-vectors' | 'sign-envelope' | 'run-script';

export interface RustFunctions {
  readonly server: LambdaServer;
  readonly client: LambdaClient;
  readonly invoke: InvokeFunction;
  stop(): Promise<void>;
}

/** The built Rust functions that compute, served for this machine. `more` adds to a function's variables. */
export async function startRustFunctions(
  names: readonly RustFunction[],
  more: Readonly<Record<string, string>> = {},
): Promise<RustFunctions> {
  const functions = Object.fromEntries(names.map((name) => [name, rustFunction(name, more)]));
  const server = await startLambdaServer({ functions });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new LambdaClient({ ...client_settings, endpoint: server.url, region: 'us-east-1', credentials });
  return {
    server,
    client,
    invoke: functionInvoker({ client, rules: { wait_ms_base: 2, deadline_ms: 20_000 } }),
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}

/** Memory, time and variables as `infra/` gives them, but for this machine's paths. Throws where it is not built. */
export function rustFunction(name: RustFunction, more: Readonly<Record<string, string>> = {}): FunctionSpec {
  const folder = builtPath('lambdas-host', name);
  if (folder === undefined) throw new Error('the Rust functions are not built: `npm run build -- lambdas-host`');
  const { memory_mb, timeout_ms } = sizes[name];
  return { folder, memory_mb, timeout_ms, environment: { SIGNET_STAGE: 'test', ...placesOf(name), ...more } };
}

const sizes = {
  'embed-text': { memory_mb: 2048, timeout_ms: 60_000 },
  'score-vectors': { memory_mb: 3008, timeout_ms: 30_000 },
  'sign-envelope': { memory_mb: 512, timeout_ms: 10_000 },
  'run-script': { memory_mb: 1769, timeout_ms: 900_000 },
} as const;

function placesOf(name: RustFunction): Record<string, string> {
  if (name === 'embed-text') return embedPlaces();
  // This service, too, does not tell a function by which alias it was called.
  if (name === 'sign-envelope') return { SIGNET_ALIASES: 'none' };
  return name === 'run-script' ? scriptPlaces() : {};
}

function scriptPlaces(): Record<string, string> {
  const image = builtPath('script-image', 'script-image.cwasm');
  if (image === undefined) throw new Error('the script image is not built: `npm run build -- script-image`');
  return { SIGNET_SCRIPT_IMAGE: image };
}

function embedPlaces(): Record<string, string> {
  const repository = join(import.meta.dirname, '../../..');
  const library = findOnnxRuntime({ repository, platform: process.platform, arch: process.arch });
  const models = builtPath('layer-model', 'models');
  if (library.kind === 'missing') throw new Error(library.reason);
  if (models === undefined) throw new Error('the layer with the model is not built: `npm run build -- layer-model`');
  return { SIGNET_ORT_LIB: library.path, SIGNET_MODEL_DIR: join(models, registry.default) };
}
