import type { Call, NewId } from '../call.ts';
import { errorRecord, isSignetError, SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { compileSchema } from './compile-schema.ts';
import type { ToolErrorType, ToolManifest, ToolTargets } from './tools.ts';

export type ToolRun =
  | { readonly kind: 'value'; readonly value: Json; readonly attempts: number }
  | { readonly kind: 'failure'; readonly type: ToolErrorType; readonly message: string; readonly attempts: number };

/**
 * Runs a tool's target: idempotent tools up to three times (0.5 s, 1 s, with jitter between), others once, all
 * within `timeout_ms`. A failure is a value; only a client that is gone throws.
 */
export async function runTool(facts: {
  call: Call;
  manifest: ToolManifest;
  args: JsonObject;
  timeout_ms: number;
  targets: ToolTargets;
  newId: NewId;
}): Promise<ToolRun> {
  const { call, manifest, timeout_ms } = facts;
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), timeout_ms);
  const signal = AbortSignal.any([call.signal, timer.signal]);
  const attempts_max = manifest.idempotent ? 3 : 1;
  try {
    for (let attempt = 1; ; attempt++) {
      const failure = (reason: { type: ToolErrorType; message: string }): ToolRun => ({
        kind: 'failure',
        ...reason,
        attempts: attempt,
      });
      try {
        const value = await orAbort(target({ ...facts, call: { ...call, depth: call.depth + 1, signal } }), signal);
        const fault = outputFault(manifest, value);
        if (fault !== undefined) return failure({ type: 'output_invalid', message: fault });
        return { kind: 'value', value, attempts: attempt };
      } catch (error) {
        call.signal.throwIfAborted();
        if (timer.signal.aborted) return failure({ type: 'timeout', message: `no answer within ${timeout_ms} ms` });
        if (attempt >= attempts_max || !mayRetry(error)) return failure(describe(error));
        const stopped = await pause(500 * 2 ** (attempt - 1) * (1 + jitter(facts.newId)), signal);
        call.signal.throwIfAborted();
        if (stopped) return failure({ type: 'timeout', message: `no answer within ${timeout_ms} ms` });
      }
    }
  } finally {
    clearTimeout(timeout);
    timer.abort();
  }
}

async function target({
  call,
  manifest,
  args,
  timeout_ms,
  targets,
}: {
  call: Call;
  manifest: ToolManifest;
  args: JsonObject;
  timeout_ms: number;
  targets: ToolTargets;
}): Promise<Json> {
  switch (manifest.target.kind) {
    case 'script': {
      const { digest, tool } = manifest.target;
      return targets.script(call, { digest, tool, args, timeout_ms });
    }
    case 'builtin': {
      const builtin = targets.builtin.get(manifest.target.name);
      if (builtin !== undefined) return builtin.run(call, args);
      throw new SignetError({ code: 'tool_not_found', detail: 'its built-in target is gone' });
    }
    case 'http':
    case 'lambda':
    case 'mcp':
      throw new SignetError({ code: 'not_built', detail: 'its kind of target is not built yet' });
    default:
      return manifest.target satisfies never;
  }
}

function outputFault(manifest: ToolManifest, value: Json): string | undefined {
  if (manifest.output_schema === undefined) return undefined;
  const compiled = compileSchema(manifest.output_schema);
  return compiled.kind === 'refused' ? compiled.reason : compiled.validate(value)[0];
}

function mayRetry(error: unknown): boolean {
  return !isSignetError(error) || errorRecord(error.code).retry;
}

/** What a model may read of a failure: the public half of ours, nothing of anything else. */
function describe(error: unknown): { type: ToolErrorType; message: string } {
  if (!isSignetError(error)) return { type: 'execution_error', message: 'the tool failed' };
  const type = types.get(error.code) ?? 'execution_error';
  return { type, message: error.public.detail };
}

const types: ReadonlyMap<string, ToolErrorType> = new Map<string, ToolErrorType>([
  ['tool_not_found', 'tool_not_found'],
  ['invalid_request', 'invalid_arguments'],
  ['policy_denied', 'policy_denied'],
  ['tool_timeout', 'timeout'],
  ['run_timeout', 'timeout'],
  ['output_invalid', 'output_invalid'],
]);

/** Rejects when `signal` aborts, also for work that does not listen to it. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error('aborted'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** True if `signal` ended the pause. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve(false);
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** From 0 to 1, out of the random end of a fresh UUIDv7: no second source of chance is needed. */
function jitter(newId: NewId): number {
  const tail = Number.parseInt(newId().slice(-8), 16);
  return Number.isFinite(tail) ? tail / 0xffff_ffff : 0;
}
