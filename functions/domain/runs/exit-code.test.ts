import { expect, test } from '@jest/globals';
import { exitCodeOf } from './exit-code.ts';

test.each([
  ['RateLimited', 'provider_rate_limited', 5],
  ['RateLimited', 'rate_limit_exceeded', 6],
  ['RateLimited', 'queue_full', 6],
  ['LLMError', 'provider_timeout', 5],
  ['LLMError', 'invalid_request', 5],
  ['WebError', 'internal', 5],
  ['HyperCoreError', 'capability_unavailable', 5],
  ['LimitExceeded', 'limit_exceeded', 6],
  ['PolicyDenied', 'policy_denied', 7],
  ['BudgetExceeded', 'insufficient_quota', 7],
  ['ApprovalRequired', 'approval_required', 7],
  ['ToolNotFound', 'tool_not_found', 1],
  ['LLMError', undefined, 1],
  ['ValueError', undefined, 1],
])('a script that died of %s with code %s exits with %i', (type, code, expected) => {
  const error = { type, message: '', ...(code === undefined ? {} : { code }) };
  expect(exitCodeOf({ exit_code: 1, error })).toBe(expected);
});

test.each([0, 3, 4, 6, 70, 130])('%i of the sandbox stands, whatever the error says', (exit_code) => {
  expect(exitCodeOf({ exit_code, error: { type: 'LLMError', message: '', code: 'provider_error' } })).toBe(exit_code);
});
