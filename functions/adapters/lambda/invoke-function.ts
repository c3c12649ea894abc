import { setTimeout as sleepFor } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { Json } from '../../domain/json.ts';
import { LostProcessError } from '../aws/call-failure.ts';
import { CallFailedError, repeatCall, usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import {
  FunctionFailedError,
  FunctionUnavailableError,
  payload_bytes_max,
  PayloadTooLargeError,
} from './function-call.ts';
import type { InvokeFunction } from './function-call.ts';

/** `client` is made with `client_settings`: it must not repeat calls by itself. */
export function functionInvoker(parts: { client: LambdaClient; rules?: Partial<RepeatRules> }): InvokeFunction {
  const { client } = parts;
  return async (call) => {
    const { function_name, kind = 'reply', tenant_id, timeout_ms, signal } = call;
    const Payload = Buffer.from(JSON.stringify(call.payload));
    const bytes_max = payload_bytes_max[kind];
    if (Payload.length > bytes_max) throw new PayloadTooLargeError({ bytes: Payload.length, bytes_max });
    const command = new InvokeCommand({
      FunctionName: function_name,
      InvocationType: kind === 'event' ? 'Event' : 'RequestResponse',
      Payload,
      ...(tenant_id === undefined ? {} : { TenantId: tenant_id }),
    });
    const options = {
      requestTimeout: kind === 'event' ? event_ms_max : timeout_ms + answer_ms_more,
      ...(signal === undefined ? {} : { abortSignal: signal }),
    };
    let was_lost = false;
    const attempt = async (): Promise<Json> => {
      signal?.throwIfAborted();
      const answer = await client.send(command, options);
      const text = Buffer.from(answer.Payload ?? []).toString();
      if (answer.FunctionError === undefined) return text === '' ? null : (JSON.parse(text) as Json);
      const { error_type, cause } = readFailure(text);
      // Ended in the middle by something outside of the call, perhaps; a second time it is the call.
      if (error_type === 'Runtime.ExitError' && !was_lost) {
        was_lost = true;
        throw new LostProcessError('the process of the function ended', { cause });
      }
      throw new FunctionFailedError({ function_name, error_type }, { cause });
    };
    const sleep = (ms: number) => sleepFor(ms, undefined, signal === undefined ? {} : { signal });
    try {
      return await repeatCall(attempt, { rules: { ...usual_rules, sleep, ...parts.rules } });
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      if (!(error instanceof CallFailedError)) throw error;
      if (error.cause instanceof FunctionFailedError) throw error.cause;
      throw new FunctionUnavailableError({ function_name, failure: error.failure }, { cause: error });
    }
  };
}

/** What starting a process and the way back may add to the work itself. */
const answer_ms_more = 15_000;
const event_ms_max = 10_000;

/** Lambda's `{errorType, errorMessage}`; anything else is a failure as well. */
function readFailure(text: string): { error_type: string; cause: Error } {
  try {
    const { errorType, errorMessage } = JSON.parse(text) as { errorType?: unknown; errorMessage?: unknown };
    const message = typeof errorMessage === 'string' ? errorMessage : text;
    // Lambda has not named the end of a function's time in all its years.
    const unnamed = /Task timed out/.test(message) ? 'Sandbox.Timedout' : 'unknown';
    return { error_type: typeof errorType === 'string' ? errorType : unnamed, cause: new Error(message) };
  } catch {
    return { error_type: 'unknown', cause: new Error(text) };
  }
}
