import { z } from 'zod';
import type { ScriptCompletion } from './script-host.ts';

const count = z.int().min(0);
const amount = z.number().min(0);

/**
 * How an engine says that a run ended, without its three texts, which come in more than one way. It is read as if a
 * stranger had written it: unknown members and wrong types are refused, and what has no bound is cut by who stores it.
 */
export const completionFacts = z.strictObject({
  state: z.enum(['succeeded', 'failed', 'timed_out', 'cancelled']),
  exit_code: z.int().min(0).max(255),
  error: z
    .strictObject({
      type: z.string(),
      message: z.string(),
      line: count.optional(),
      traceback: z.string().optional(),
      code: z.string().optional(),
    })
    .optional(),
  result_type: z.string(),
  stdout_truncated: z.boolean(),
  stderr_truncated: z.boolean(),
  usage: z.strictObject({
    wall_ms: amount,
    cpu_ms: amount,
    memory_bytes: count,
    host_calls: count,
    stdout_bytes: count,
    stderr_bytes: count,
  }),
  timings: z.strictObject({ instantiate_ms: amount, run_ms: amount }),
  image: z.string().max(128),
});

/** The facts with their texts. `exactOptionalPropertyTypes`: what is absent stays absent. */
export function completionOf(
  facts: z.infer<typeof completionFacts>,
  texts: Pick<ScriptCompletion, 'result' | 'stdout' | 'stderr'>,
): ScriptCompletion {
  const { error, ...rest } = facts;
  return { ...rest, ...texts, ...(error === undefined ? {} : { error: errorOf(error) }) };
}

function errorOf({
  type,
  message,
  line,
  traceback,
  code,
}: NonNullable<z.infer<typeof completionFacts>['error']>): NonNullable<ScriptCompletion['error']> {
  return {
    type,
    message,
    ...(line === undefined ? {} : { line }),
    ...(traceback === undefined ? {} : { traceback }),
    ...(code === undefined ? {} : { code }),
  };
}
