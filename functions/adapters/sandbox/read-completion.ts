import { z } from 'zod';
import type { Json } from '../../domain/json.ts';
import type { ScriptCompletion } from '../../domain/ports/script-host.ts';
import { BrokenFrameError, readJson, readText, type SandboxFrame } from './frames.ts';

/** Reads a `completion` frame as if a stranger had written it. */
export function readCompletion({ header, binary }: SandboxFrame): ScriptCompletion {
  const parsed = completion.safeParse(header);
  if (!parsed.success) throw new BrokenFrameError(`a completion: ${parsed.error.issues[0]?.path.join('.') ?? ''}`);
  const { parts, error, kind: _kind, run_id: _run_id, ...rest } = parsed.data;
  const [result, stdout, stderr] = parts;
  if (result + stdout + stderr !== binary.length) throw new BrokenFrameError('parts that do not add up');
  return {
    ...rest,
    ...(error === undefined ? {} : { error: readError(error) }),
    result: readJson(binary.subarray(0, result)) as Json,
    stdout: readText(binary.subarray(result, result + stdout)),
    stderr: readText(binary.subarray(result + stdout)),
  };
}

const count = z.int().min(0);
const amount = z.number().min(0);

const completion = z.strictObject({
  kind: z.literal('completion'),
  run_id: z.string(),
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
  image: z.string(),
  parts: z.tuple([count, count, count]),
});

/** `exactOptionalPropertyTypes`: what is absent stays absent. */
function readError(error: NonNullable<z.infer<typeof completion>['error']>): NonNullable<ScriptCompletion['error']> {
  const { type, message, line, traceback, code } = error;
  return {
    type,
    message,
    ...(line === undefined ? {} : { line }),
    ...(traceback === undefined ? {} : { traceback }),
    ...(code === undefined ? {} : { code }),
  };
}
