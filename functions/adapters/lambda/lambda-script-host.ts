import type { JsonObject } from '../../domain/json.ts';
import type { RemoteScriptHost } from '../../domain/ports/script-host.ts';
import { asCapability } from './capability-error.ts';
import { FunctionUnavailableError, type InvokeFunction } from './function-call.ts';

export interface LambdaScriptHostOptions {
  readonly invoke: InvokeFunction;
  /** Name or ARN of `run-script`. */
  readonly function_name: string;
  /** Where its frames reach the API: the public base URL with its stage, without a slash at the end. */
  readonly api_url: string;
  /** The function isolates tenants: each one's runs are executed in environments of their own. */
  readonly is_per_tenant: boolean;
}

/**
 * Announces runs to the function `run-script` by an event. It carries no script and no input: the engine fetches them, so
 * that no size of theirs meets Lambda's quota, and an event that is delivered twice is found out when it does
 * (`shared/schemas/run-script.json`).
 */
export function lambdaScriptHost(options: LambdaScriptHostOptions): RemoteScriptHost {
  const { invoke, function_name, api_url, is_per_tenant } = options;
  return {
    async launch({ run_id, tenant, token }) {
      const payload: JsonObject = { run_id, token, callback_url: `${api_url}/internal/runs/${run_id}/frames` };
      const event = invoke({
        function_name,
        payload,
        timeout_ms: 0,
        kind: 'event',
        ...(is_per_tenant ? { tenant_id: tenant } : {}),
      });
      const announced = event.catch((error: unknown) => {
        // It may have been taken: given to another engine as well, the run would only make this one come in vain.
        if (!(error instanceof FunctionUnavailableError) || error.failure !== 'unknown') throw error;
      });
      await asCapability('run', announced);
    },
  };
}
