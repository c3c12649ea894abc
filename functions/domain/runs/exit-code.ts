import type { ScriptCompletion } from '../ports/script-host.ts';

/**
 * The exit code of a run: the sandbox's, made finer where the script died of an uncaught `HyperCoreError`. What was
 * refused here says whether a limit (6), policy or budget (7) or a provider (5) ended it; the sandbox cannot know.
 */
export function exitCodeOf(completion: Pick<ScriptCompletion, 'exit_code' | 'error'>): number {
  if (completion.exit_code !== 1) return completion.exit_code;
  const { type = '', code } = completion.error ?? {};
  // An error that the script made up itself has no code.
  if (code === undefined) return 1;
  if (limit.has(code)) return 6;
  if (policy.has(code)) return 7;
  return provider.has(code) || code.startsWith('provider_') || providerClasses.has(type) ? 5 : 1;
}

const limit = new Set(['limit_exceeded', 'rate_limit_exceeded', 'queue_full']);
const policy = new Set(['policy_denied', 'insufficient_quota', 'approval_required']);
const provider = new Set(['no_provider', 'output_invalid', 'context_length_exceeded', 'capability_unavailable']);
const providerClasses = new Set(['LLMError', 'WebError']);
