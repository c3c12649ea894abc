import { errorRecord, isSignetError } from '../errors.ts';
import type { ReplyFrame, ScriptCallError } from '../ports/script-host.ts';
import { CapabilityUnavailableError } from '../ports/compute.ts';
import type { ToolErrorType } from '../tools/tools.ts';

/** A refusal that the script sees as an exception of `hyper_core`; thrown inside a host call, never across the edge. */
export class ScriptCallRefusal extends Error {
  override readonly name = 'ScriptCallRefusal';
  readonly error: ScriptCallError;

  constructor(
    error: Omit<ScriptCallError, 'retryable' | 'facts'> & Partial<Pick<ScriptCallError, 'retryable' | 'facts'>>,
  ) {
    super(`${error.code}: ${error.message}`);
    this.error = { retryable: false, facts: {}, ...error };
  }
}

/** Class of `hyper_core` for a failure that no code tells more about: one for each kind of call. */
export type UsualClass = 'LLMError' | 'WebError' | 'ToolError' | 'HyperCoreError';

export function errorReply(thrown: unknown, usual: UsualClass): ReplyFrame {
  return { kind: 'error', error: callError(thrown, usual) };
}

export function callError(thrown: unknown, usual: UsualClass): ScriptCallError {
  if (thrown instanceof ScriptCallRefusal) return thrown.error;
  if (thrown instanceof CapabilityUnavailableError) {
    const { reason, ready_in_s } = thrown.state;
    return {
      type: usual,
      code: 'capability_unavailable',
      message: reason,
      retryable: true,
      facts: ready_in_s === undefined ? {} : { retry_after: ready_in_s },
    };
  }
  if (!isSignetError(thrown)) {
    return { type: usual, code: 'internal', message: 'an error of the node', retryable: true, facts: {} };
  }
  const { code, detail, reason, param, retry_after_s, provider } = thrown.public;
  return {
    type: classes.get(code) ?? usual,
    code,
    message: detail,
    retryable: errorRecord(code).retry,
    facts: {
      status: provider?.status ?? thrown.status,
      ...(provider === undefined ? {} : { provider: provider.name }),
      ...(reason === undefined ? {} : { reason }),
      ...(param === undefined ? {} : { param }),
      ...(retry_after_s === undefined ? {} : { retry_after: retry_after_s }),
      ...(thrown.receipt === undefined ? {} : { receipt: thrown.receipt }),
    },
  };
}

const classes = new Map<string, string>([
  ['rate_limit_exceeded', 'RateLimited'],
  ['provider_rate_limited', 'RateLimited'],
  ['queue_full', 'RateLimited'],
  ['policy_denied', 'PolicyDenied'],
  ['insufficient_quota', 'BudgetExceeded'],
  ['tool_not_found', 'ToolNotFound'],
  ['tool_timeout', 'ToolTimeout'],
]);

/** A failure of a tool, as the class that the script catches. */
export function toolRefusal(error: { type: ToolErrorType; message: string }, receipt?: string): ScriptCallRefusal {
  return new ScriptCallRefusal({
    type: toolClasses[error.type],
    code: error.type,
    message: error.message,
    facts: receipt === undefined ? {} : { receipt },
  });
}

const toolClasses: { readonly [type in ToolErrorType]: string } = {
  tool_not_found: 'ToolNotFound',
  invalid_arguments: 'InvalidArguments',
  policy_denied: 'PolicyDenied',
  timeout: 'ToolTimeout',
  execution_error: 'ToolError',
  output_invalid: 'ToolError',
  limit_exceeded: 'LimitExceeded',
};

export function limitRefusal(what: string, most: number): ScriptCallRefusal {
  return new ScriptCallRefusal({
    type: 'LimitExceeded',
    code: 'limit_exceeded',
    message: `expected at most ${most} ${what} in one run`,
  });
}

export function frameRefusal(message: string): ScriptCallRefusal {
  return new ScriptCallRefusal({ type: 'HyperCoreError', code: 'invalid_frame', message });
}
