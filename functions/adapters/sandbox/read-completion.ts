import { z } from 'zod';
import type { Json } from '../../domain/json.ts';
import { completionFacts, completionOf } from '../../domain/ports/script-completion.ts';
import type { ScriptCompletion } from '../../domain/ports/script-host.ts';
import { BrokenFrameError, readJson, readText, type SandboxFrame } from './frames.ts';

/** Reads a `completion` frame as if a stranger had written it. */
export function readCompletion({ header, binary }: SandboxFrame): ScriptCompletion {
  const parsed = completion.safeParse(header);
  if (!parsed.success) throw new BrokenFrameError(`a completion: ${parsed.error.issues[0]?.path.join('.') ?? ''}`);
  const { parts, kind: _kind, run_id: _run_id, ...facts } = parsed.data;
  const [result, stdout, stderr] = parts;
  if (result + stdout + stderr !== binary.length) throw new BrokenFrameError('parts that do not add up');
  return completionOf(facts, {
    result: readJson(binary.subarray(0, result)) as Json,
    stdout: readText(binary.subarray(result, result + stdout)),
    stderr: readText(binary.subarray(result + stdout)),
  });
}

const length = z.int().min(0);

const completion = completionFacts.extend({
  kind: z.literal('completion'),
  run_id: z.string(),
  parts: z.tuple([length, length, length]),
});
