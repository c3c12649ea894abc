/** Exit codes of every command; those of `verify` from 10 on come from its verdict. */
export const exits = {
  done: 0,
  failed: 1,
  usage: 2,
  time: 3,
  provider: 5,
  limit: 6,
  policy: 7,
  internal: 70,
  cancelled: 130,
} as const;

/** What a command cannot do, for one line on stderr: what was expected, what was there, what to do. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exit: number;

  constructor(facts: { exit: number; message: string }, options?: { cause?: unknown }) {
    super(facts.message, options);
    this.exit = facts.exit;
  }
}

/** The exit code for an error code of the API. */
export function exitForCode(code: string): number {
  if (code.startsWith('provider_') || code === 'no_provider' || code === 'output_invalid') return exits.provider;
  if (code === 'policy_denied' || code === 'insufficient_quota') return exits.policy;
  if (code === 'run_timeout' || code === 'tool_timeout') return exits.time;
  if (['rate_limit_exceeded', 'queue_full', 'too_large', 'write_conflict'].includes(code)) return exits.limit;
  if (['invalid_request', 'invalid_json', 'unsupported_parameter', 'unsupported_media_type'].includes(code)) {
    return exits.usage;
  }
  return code === 'internal' ? exits.internal : exits.failed;
}
