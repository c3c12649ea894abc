import type { ScriptCompletion } from '../ports/script-host.ts';

/**
 * The exit code of a run: the sandbox's, made finer where the script died of an uncaught `HyperCoreError`,
 * whose code says whether a provider (5), a limit (6) or policy and budget (7) ended it.
 */
export function exitCodeOf(completion: Pick<ScriptCompletion, 'exit_code' | 'error'>): number {
  if (completion.exit_code !== 1) return completion.exit_code;
  const code = completion.error?.code;
  if (code === undefined) return 1;
  if (code.startsWith('provider_') || provider.has(code)) return 5;
  if (limit.has(code)) return 6;
  if (policy.has(code)) return 7;
  return 1;
}

const provider = new Set(['no_provider', 'output_invalid', 'context_length_exceeded', 'capability_unavailable']);
const limit = new Set(['limit_exceeded', 'rate_limit_exceeded', 'queue_full']);
const policy = new Set(['policy_denied', 'insufficient_quota', 'approval_required']);
