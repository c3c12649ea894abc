import type limits from '@signet/shared/limits.json';
import { SignetError } from '../errors.ts';
import type { ScriptLimits } from '../ports/script-host.ts';
import type { RunLimits } from './runs.ts';

export type Limits = typeof limits;

/**
 * The limits a run gets: what was asked, else the default. Over the most is refused, not cut: a script that was written
 * for ten minutes should hear at once that it gets less.
 */
export function clampLimits(asked: RunLimits, { runs }: Limits): ScriptLimits {
  return {
    wall_ms: within('wall_ms', asked.wall_ms, runs.wall_ms, runs.wall_ms_max),
    cpu_ms: within('cpu_ms', asked.cpu_ms, runs.cpu_ms, runs.cpu_ms_max),
    memory_mb: within('memory_mb', asked.memory_mb, runs.memory_mb, runs.memory_mb_max),
    output_bytes: within('output_bytes', asked.output_bytes, runs.output_bytes, runs.output_bytes_max),
    host_calls: within('host_calls', asked.host_calls, runs.host_calls, runs.host_calls_max),
    script_tool_ms: runs.script_tool_ms,
  };
}

function within(name: keyof RunLimits, asked: number | undefined, usual: number, most: number): number {
  if (asked === undefined) return usual;
  if (Number.isInteger(asked) && asked >= 1 && asked <= most) return asked;
  throw new SignetError({
    code: 'invalid_request',
    detail: `expected \`limits.${name}\` as a whole number from 1 to ${most}, got ${asked}`,
    reason: 'limit.exceeded',
    param: `limits.${name}`,
  });
}
