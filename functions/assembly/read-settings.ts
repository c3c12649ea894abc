import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';

/** One OpenAI-compatible endpoint; its key is named, never written here. */
export interface ProviderSettings {
  readonly name: string;
  readonly base_url: string;
  /** Environment variable that holds the key. */
  readonly api_key_env?: string;
  readonly tier: 'local' | 'pool';
  readonly max_tokens_field: 'max_tokens' | 'max_completion_tokens';
}

/** Everything a start depends on, read once. */
export interface Settings {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  /** The owner named the address, so it may be another than loopback. */
  readonly remote: boolean;
  readonly log_level: string;
  readonly compute: 'auto' | 'native' | 'wasm';
  readonly embed_model: string | undefined;
  readonly ort_lib: string | undefined;
  readonly single_user: boolean;
  readonly providers: readonly ProviderSettings[];
}

/** The start stops here: `problems` name each setting that is wrong and what was expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

const providerName = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** `SIGNET_HOME/signet.json`. Unknown fields are refused: a misspelt one must not be silently without effect. */
export const signetJson = z.strictObject({
  single_user: z.boolean().optional(),
  providers: z
    .array(
      z.strictObject({
        name: z.string().regex(providerName),
        base_url: z.url({ protocol: /^https?$/ }),
        api_key_env: z
          .string()
          .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
          .optional(),
        tier: z.enum(['local', 'pool']).default('pool'),
        max_tokens_field: z.enum(['max_tokens', 'max_completion_tokens']).default('max_tokens'),
      }),
    )
    .max(32)
    .optional(),
});

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads environment and `signet.json`.
 * @throws {SettingsError} naming every wrong value at once
 */
export async function readSettings(request: {
  environment: Environment;
  overrides?: { home?: string; port?: number; host?: string };
}): Promise<Settings> {
  const { environment, overrides = {} } = request;
  const problems: string[] = [];
  const home = resolve(overrides.home ?? environment['SIGNET_HOME'] ?? '.signet');
  const file = await readSignetJson(join(home, 'signet.json'), problems);
  const port = overrides.port ?? portOf(environment['SIGNET_PORT'], problems);
  const log_level = oneOf(
    'SIGNET_LOG',
    environment['SIGNET_LOG'],
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'info',
    problems,
  );
  const compute = oneOf('SIGNET_COMPUTE', environment['SIGNET_COMPUTE'], ['auto', 'native', 'wasm'], 'auto', problems);
  const configured = (file.providers ?? []).map(({ api_key_env, ...rest }) => ({
    ...rest,
    ...(api_key_env === undefined ? {} : { api_key_env }),
  }));
  const providers = [...configured, ...providersOfEnvironment(environment, problems)];
  const names = providers.map((provider) => provider.name);
  for (const name of new Set(names.filter((candidate, index) => names.indexOf(candidate) !== index))) {
    problems.push(`expected one provider named \`${name}\`, got several`);
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return {
    home,
    host: overrides.host ?? environment['SIGNET_HOST'] ?? '127.0.0.1',
    port,
    remote: overrides.host !== undefined || environment['SIGNET_HOST'] !== undefined,
    log_level,
    compute,
    embed_model: environment['SIGNET_EMBED_MODEL'],
    ort_lib: environment['SIGNET_ORT_LIB'],
    single_user: file.single_user ?? true,
    providers,
  };
}

/** The variables that other tools use too are taken up when they are set. */
function providersOfEnvironment(environment: Environment, problems: string[]): ProviderSettings[] {
  const found: ProviderSettings[] = [];
  const baseUrl = environment['OPENAI_BASE_URL'];
  if (environment['OPENAI_API_KEY'] !== undefined || baseUrl !== undefined) {
    found.push({
      name: 'openai',
      base_url: urlOf('OPENAI_BASE_URL', baseUrl ?? 'https://api.openai.com/v1', problems),
      api_key_env: 'OPENAI_API_KEY',
      tier: 'pool',
      // A server that merely speaks the protocol knows the older name; OpenAI's newer models know the newer only.
      max_tokens_field: baseUrl === undefined ? 'max_completion_tokens' : 'max_tokens',
    });
  }
  if (environment['GROQ_API_KEY'] !== undefined) {
    found.push({
      name: 'groq',
      base_url: 'https://api.groq.com/openai/v1',
      api_key_env: 'GROQ_API_KEY',
      tier: 'pool',
      max_tokens_field: 'max_tokens',
    });
  }
  const ollama = environment['OLLAMA_HOST'];
  if (ollama !== undefined) {
    const origin = urlOf('OLLAMA_HOST', /^https?:\/\//.test(ollama) ? ollama : `http://${ollama}`, problems);
    found.push({
      name: 'ollama',
      base_url: `${origin.replace(/\/+$/, '')}/v1`,
      tier: 'local',
      max_tokens_field: 'max_tokens',
    });
  }
  return found;
}

async function readSignetJson(path: string, problems: string[]): Promise<z.infer<typeof signetJson>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return {};
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    problems.push(`expected JSON in ${path}`);
    return {};
  }
  const parsed = signetJson.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    problems.push(`${path}: \`${issue.path.join('.') || '(top)'}\`: ${issue.message.toLowerCase()}`);
  }
  return {};
}

function portOf(text: string | undefined, problems: string[]): number {
  if (text === undefined) return 3001;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535 && text.trim() !== '') return port;
  problems.push(`expected \`SIGNET_PORT\` between 0 and 65535, got \`${text}\``);
  return 0;
}

function urlOf(name: string, text: string, problems: string[]): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  problems.push(`expected an http or https URL in \`${name}\``);
  return 'http://invalid.invalid';
}

function oneOf<T extends string>(
  name: string,
  text: string | undefined,
  allowed: readonly T[],
  otherwise: T,
  problems: string[],
): T {
  if (text === undefined) return otherwise;
  const found = allowed.find((value) => value === text);
  if (found !== undefined) return found;
  problems.push(`expected \`${name}\` to be one of ${allowed.join(', ')}, got \`${text}\``);
  return otherwise;
}
