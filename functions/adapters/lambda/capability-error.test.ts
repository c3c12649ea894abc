import { describe, expect, test } from '@jest/globals';
import { CapabilityUnavailableError } from '../../domain/ports/compute.ts';
import type { CallFailure } from '../aws/call-failure.ts';
import { CallFailedError } from '../aws/repeat-call.ts';
import { asCapability } from './capability-error.ts';
import { FunctionFailedError, FunctionUnavailableError } from './function-call.ts';

const function_name = 'sign-envelope';

function notReached(failure: CallFailure, name = 'Error') {
  const cause = Object.assign(new Error('x'), { name });
  const failed = new CallFailedError({ failure, was_unheard: false }, { cause });
  return new FunctionUnavailableError({ function_name, failure }, { cause: failed });
}
const failed = (error_type: string) =>
  new FunctionFailedError({ function_name, error_type }, { cause: new Error('x') });

describe('a capability is missing for a while', () => {
  test.each([
    ['while its function is busy', notReached('busy')],
    ['when no answer came', notReached('unknown')],
    ['where its function is not there', notReached('permanent', 'ResourceNotFoundException')],
    ['where its function may not be called', notReached('permanent', 'AccessDeniedException')],
    ['while the key service is out of reach', failed('KeyServiceUnavailable')],
    ['when the function had no time', failed('OutOfTime')],
    ['when the platform ended the function for its time', failed('Sandbox.Timedout')],
    ['when the platform ended the function, for its memory perhaps', failed('Runtime.ExitError')],
    ['when the function does not start', failed('StartError')],
  ])('%s', async (_, cause) => {
    const error = await asCapability('sign', Promise.reject(cause)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CapabilityUnavailableError);
    expect(error).toMatchObject({ capability: 'sign', state: { ready_in_s: 5 }, cause });
    expect((error as CapabilityUnavailableError).message).not.toContain(function_name);
  });
});

test.each([
  notReached('permanent', 'InvalidRequestContentException'),
  failed('InvalidRequest'),
  failed('KeyServiceRefused'),
  failed('SignatureRefused'),
  failed('unknown'),
  new TypeError('x'),
])('an error of ours stays what it is: %s', async (cause) => {
  await expect(asCapability('sign', Promise.reject(cause))).rejects.toBe(cause);
});
