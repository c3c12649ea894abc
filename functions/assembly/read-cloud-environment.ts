type Environment = Readonly<Record<string, string | undefined>>;

/** Of the functions on AWS: what the stack says of itself. Its constructs set each variable where they give the right. */
export interface CloudEnvironment {
  readonly stage: string;
  readonly table: string;
  readonly bucket: string;
  /** URLs. */
  readonly queue_runs: string;
  readonly queue_runs_dlq: string;
  /** Keeps order and delays by a second: wakes the sealer. */
  readonly queue_ledger: string;
  /** Names or ARNs, that of `sign-envelope` with an alias. */
  readonly fn_embed_text: string;
  readonly fn_score_vectors: string;
  readonly fn_sign_envelope: string;
  readonly fn_run_script: string;
  /** Public base of the API with the path of its stage, no slash at its end. */
  readonly api_url: string;
  /** Such as `signet/dev/`. */
  readonly secrets_prefix: string;
  /** Files of the configuration layer; the second may be absent. */
  readonly genesis: string;
  readonly settings: string;
  /** Whether a process of `run-script` serves one tenant alone; the platform then wants to be told which. */
  readonly script_isolation: 'per-tenant' | 'shared';
}

type Name = keyof CloudEnvironment;

/** What a whole node is opened from. */
const of_a_node = [
  'stage',
  'table',
  'bucket',
  'queue_runs',
  'queue_ledger',
  'fn_embed_text',
  'fn_score_vectors',
  'fn_sign_envelope',
  'fn_run_script',
  'api_url',
  'secrets_prefix',
  'genesis',
  'settings',
  'script_isolation',
] as const satisfies readonly Name[];

/** What each function is given, and so may read. */
const needs = {
  'serve-api': of_a_node,
  'advance-run': [...of_a_node, 'queue_runs_dlq'],
  'seal-ledger': ['stage', 'table', 'bucket', 'fn_sign_envelope', 'settings'],
  'sweep-due': ['stage', 'table', 'queue_runs', 'queue_ledger'],
} as const satisfies { readonly [fn: string]: readonly Name[] };

export type CloudFunction = keyof typeof needs;
export type EnvironmentOf<F extends CloudFunction> = Pick<CloudEnvironment, (typeof needs)[F][number]>;

/** The function cannot start: `problems` name every variable that is missing or wrong. */
export class CloudEnvironmentError extends Error {
  override readonly name = 'CloudEnvironmentError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

/**
 * Reads what the function `fn` needs of its environment, and nothing else.
 * @throws {CloudEnvironmentError} naming every variable that is missing or wrong at once
 */
export function readCloudEnvironment<F extends CloudFunction>(environment: Environment, fn: F): EnvironmentOf<F> {
  const problems: string[] = [];
  const values = needs[fn].map((name: Name) => [name, read(environment, name, problems)]);
  if (problems.length > 0) throw new CloudEnvironmentError(problems);
  return Object.fromEntries(values) as EnvironmentOf<F>;
}

const defaults: { readonly [N in Name]?: string } = {
  genesis: '/opt/signet/genesis.json',
  settings: '/opt/signet/signet.json',
  script_isolation: 'shared',
};

const forms: { readonly [N in Name]?: { readonly form: RegExp; readonly expected: string } } = {
  stage: { form: /^[a-z][a-z0-9-]{0,31}$/, expected: 'the name of a stage' },
  queue_runs: { form: /^https?:\/\/\S+$/, expected: 'the URL of a queue' },
  queue_runs_dlq: { form: /^https?:\/\/\S+$/, expected: 'the URL of a queue' },
  queue_ledger: { form: /^https?:\/\/\S+\.fifo$/, expected: 'the URL of a queue that keeps order' },
  api_url: { form: /^https?:\/\/\S*[^/\s]$/, expected: 'a URL without a slash at its end' },
  secrets_prefix: { form: /^\S+\/$/, expected: 'a prefix that ends in a slash' },
  script_isolation: { form: /^(per-tenant|shared)$/, expected: '`per-tenant` or `shared`' },
};

function read(environment: Environment, name: Name, problems: string[]): string {
  const variable = `SIGNET_${name.toUpperCase()}`;
  const text = environment[variable] || defaults[name];
  if (text === undefined) {
    problems.push(`expected \`${variable}\`, found none`);
    return '';
  }
  const rule = forms[name];
  if (rule !== undefined && !rule.form.test(text)) {
    problems.push(`expected \`${variable}\` to be ${rule.expected}, got \`${text.slice(0, 200)}\``);
  }
  return text;
}
