import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';

/** The functions that are deployed, and what each is written in. */
export const functionLanguages = {
  'serve-api': 'typescript',
  'advance-run': 'typescript',
  'seal-ledger': 'typescript',
  'sweep-due': 'typescript',
  'embed-text': 'rust',
  'score-vectors': 'rust',
  'sign-envelope': 'rust',
  'run-script': 'rust',
} as const;

export type FunctionName = keyof typeof functionLanguages;
export const functionNames = Object.keys(functionLanguages) as readonly FunctionName[];

/** A name goes into names of roles, aliases and paths of URLs; with 20 characters the longest of them fits. */
export const stageName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,19}$/, 'expected a stage of 1 to 20 characters `a-z 0-9 -` that begins with a letter');

const size = z.strictObject({
  /** 1,769 MB is one whole processor; less memory is a part of one. */
  memory_mb: z.int().min(128).max(10_240),
  timeout_s: z.int().min(1).max(900),
});

const sizes = z.strictObject({
  'serve-api': size,
  'advance-run': size,
  'seal-ledger': size,
  'sweep-due': size,
  'embed-text': size,
  'score-vectors': size,
  'sign-envelope': size,
  'run-script': size,
});

const stageConfig = z.strictObject({
  stage: stageName,
  /** Both or none: without them the templates fit every account and region. */
  account: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/)
    .optional(),
  /** True: deletion protection, and table, bucket and keys stay when their stack goes. */
  keeps_data: z.boolean(),
  log_days: z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 180, 365]),
  /** Old versions of objects are removed after so many days. */
  old_version_days: z.int().min(1).max(3650),
  functions: sizes,
  api: z.strictObject({
    /** Over all callers of the stage; each key has its own rate in the product. */
    requests_per_s: z.number().min(1).max(10_000),
    burst: z.int().min(1).max(5_000),
    /** ARN of a regional WAF web ACL to stand before the API. */
    web_acl_arn: z
      .string()
      .regex(/^arn:[a-z-]+:wafv2:/)
      .optional(),
    /** Adds an address of serve-api itself, past the API's throttles and its firewall. */
    function_url: z.boolean(),
    /** Sets the account's role for API Gateway's logs; off where the account's owner set one of their own. */
    account_log_role: z.boolean(),
  }),
  runs: z.strictObject({
    /** How many jobs are advanced at the same time, 2..1,000. */
    concurrency_max: z.int().min(2).max(1_000),
    /** Each tenant's scripts in machines of their own, where the region has that. */
    isolation: z.enum(['per-tenant', 'shared']),
  }),
  alarms: z.strictObject({
    email: z.email().optional(),
    serve_api_p99_ms: z.int().min(1),
    oldest_message_s: z.int().min(60),
    signs_per_hour: z.int().min(1),
  }),
  /** A `signet.json`: which providers answer. Relative to the file that names it. */
  providers_file: z.string().min(1).optional(),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)),
  /**
   * The stage lives in an emulator on this machine: functions of this machine's architecture, buffered answers, one
   * machine for all tenants. `environment` is added to every function.
   */
  emulator: z
    .strictObject({
      endpoint_url: z.url({ protocol: /^https?$/ }),
      environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()).default({}),
    })
    .optional(),
});

/** Everything the two stacks of a stage depend on. Constructs read nothing else. */
export type StageConfig = Readonly<z.output<typeof stageConfig>>;

/** What differs between stages. A name without a preset is treated like `staging`: its data stays. */
const presets: ReadonlyMap<string, object> = new Map<string, object>([
  [
    'dev',
    {
      keeps_data: false,
      old_version_days: 1,
      api: { requests_per_s: 50, burst: 100 },
      runs: { concurrency_max: 5 },
    },
  ],
  ['staging', {}],
  ['prod', { api: { requests_per_s: 500, burst: 1_000 }, runs: { concurrency_max: 50 } }],
]);

/** Memory sizes are starting points: what was measured stands in the records of `docs/`. */
const defaults = {
  keeps_data: true,
  log_days: 30,
  old_version_days: 30,
  functions: {
    'serve-api': { memory_mb: 1_024, timeout_s: 900 },
    'advance-run': { memory_mb: 1_024, timeout_s: 900 },
    'seal-ledger': { memory_mb: 512, timeout_s: 120 },
    'sweep-due': { memory_mb: 512, timeout_s: 60 },
    'embed-text': { memory_mb: 2_048, timeout_s: 60 },
    'score-vectors': { memory_mb: 3_008, timeout_s: 30 },
    'sign-envelope': { memory_mb: 512, timeout_s: 10 },
    'run-script': { memory_mb: 1_769, timeout_s: 900 },
  },
  api: { requests_per_s: 100, burst: 200, function_url: false, account_log_role: true },
  runs: { concurrency_max: 10, isolation: 'per-tenant' },
  alarms: { serve_api_p99_ms: 60_000, oldest_message_s: 900, signs_per_hour: 1_000 },
  tags: {},
};

/** The configuration of a stage is wrong: `problems` name each place. */
export class StageConfigError extends Error {
  override readonly name = 'StageConfigError';
  readonly problems: readonly string[];

  constructor(stage: string, problems: readonly string[]) {
    super(`stage \`${stage}\`: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/**
 * The one value of a stage: the defaults, its preset, and what `overrides` changes in them.
 * @param request.overrides a part of the configuration; objects are merged, other values replace
 * @throws {StageConfigError} naming every wrong value, also unknown ones
 */
export function makeConfig(request: {
  readonly stage: string;
  readonly account?: string | undefined;
  readonly region?: string | undefined;
  readonly overrides?: unknown;
}): StageConfig {
  const { stage, account, region, overrides = {} } = request;
  const place = account !== undefined && region !== undefined ? { account, region } : {};
  const merged = [presets.get(stage) ?? {}, place, overrides].reduce<unknown>(merge, { ...defaults, stage });
  const parsed = stageConfig.safeParse(merged);
  if (!parsed.success) throw new StageConfigError(stage, parsed.error.issues.map(problemOf));
  if (parsed.data.stage !== stage) throw new StageConfigError(stage, ['expected overrides that leave `stage` alone']);
  return parsed.data;
}

/**
 * Overrides from a file; a `providers_file` in it is relative to it.
 * @throws {StageConfigError} if it is no JSON object
 */
export function readOverrides({ stage, path }: { readonly stage: string; readonly path: string }): object {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new StageConfigError(stage, [`expected JSON in ${path}: ${String(cause)}`]);
  }
  if (!isObject(value)) throw new StageConfigError(stage, [`expected a JSON object in ${path}`]);
  const { providers_file } = value;
  return typeof providers_file === 'string'
    ? { ...value, providers_file: resolve(dirname(path), providers_file) }
    : value;
}

function merge(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over;
  const names = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries(
    [...names].map((name) => [name, name in over ? merge(base[name], over[name]) : base[name]]),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemOf(issue: { readonly path: readonly PropertyKey[]; readonly message: string }): string {
  return issue.path.length === 0 ? issue.message : `\`${issue.path.map(String).join('.')}\`: ${issue.message}`;
}
