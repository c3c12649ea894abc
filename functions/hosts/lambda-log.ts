import { AsyncLocalStorage } from 'node:async_hooks';
import { writeSync } from 'node:fs';

export type LogLevel = (typeof levels)[number];

/** Every line also carries the facts of the `within` that it is written in, so that adapters need not be told them. */
export interface LambdaLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  within<T>(facts: object, work: () => T): T;
}

const levels = ['debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * One JSON object a line, `timestamp` and `level` as the platform's own filter reads them. Thirty lines instead of a
 * logging package: it is the first thing a cold start waits for.
 *
 * Names that carry secrets are cut out wherever they stand; a payload must not be given to it at all.
 */
export function lambdaLog({
  level,
  write = toStandardError,
}: {
  level: LogLevel;
  write?: (line: string) => void;
}): LambdaLog {
  const context = new AsyncLocalStorage<object>();
  const line =
    (name: LogLevel) =>
    (facts: object, message: string): void => {
      if (levels.indexOf(name) < levels.indexOf(level)) return;
      const entry = { timestamp: new Date().toISOString(), level: name.toUpperCase(), message, ...context.getStore() };
      write(`${textOf({ ...entry, ...facts }) ?? textOf({ ...entry, facts: 'unreadable' })}\n`);
    };
  return {
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    within: (facts, work) => context.run({ ...context.getStore(), ...facts }, work),
  };
}

/** The platform's setting (`DEBUG`) or ours (`debug`); `info` where there is none, or one that is not known. */
export function logLevelOf(environment: Readonly<Record<string, string | undefined>>): LogLevel {
  const asked = (environment['SIGNET_LOG'] ?? environment['AWS_LAMBDA_LOG_LEVEL'] ?? '').toLowerCase();
  return levels.find((level) => level === asked) ?? 'info';
}

/** Undefined for what JSON cannot say (a circle): a line that cannot be written must not fail what it tells of. */
function textOf(entry: object): string | undefined {
  try {
    return JSON.stringify(entry, readable);
  } catch {
    return undefined;
  }
}

const secret_names = new Set(['authorization', 'token', 'api_key']);

function readable(name: string, value: unknown): unknown {
  if (secret_names.has(name)) return undefined;
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  const { name: type, message, stack, cause } = value;
  const { code } = value as { code?: unknown };
  return {
    type,
    message,
    ...(typeof code === 'string' ? { code } : {}),
    stack,
    ...(cause === undefined ? {} : { cause }),
  };
}

function toStandardError(line: string): void {
  writeSync(2, line);
}
