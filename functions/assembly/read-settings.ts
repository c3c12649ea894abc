import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { OpenAiQuirks } from '../adapters/openai/openai-provider.ts';

/** One OpenAI-compatible endpoint; its key is named, never written here. */
export interface ProviderSettings {
  readonly name: string;
  readonly base_url: string;
  /** Environment variable that holds the key. */
  readonly api_key_env?: string;
  readonly tier: 'local' | 'pool';
  /** How its server differs from OpenAI's. */
  readonly quirks: OpenAiQuirks;
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

const providerName = /^(?!edge$)[a-z0-9][a-z0-9-]{0,31}$/;

/** `SIGNET_HOME/signet.json`. Unknown fields are refused: a misspelt one must not be silently without effect. */
export const signetJson = z.strictObject({
  single_user: z.boolean().optional(),
  providers: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(providerName, 'expected 1 to 32 characters `a-z 0-9 -`, and not `edge`, which is the built-in one'),
        base_url: z
          .url({ protocol: /^https?$/ })
          .refine(hasNoCredentials, 'expected no user or password in it: name the key by `api_key_env`'),
        api_key_env: z
          .string()
          .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
          .optional(),
        tier: z.enum(['local', 'pool']).default('pool'),
        /** Models to offer, the default first; without it the server is asked. */
        models: z.array(z.string().min(1).max(256)).min(1).max(256).optional(),
        max_tokens_field: z.enum(['max_tokens', 'max_completion_tokens']).default('max_tokens'),
        /** False where the server cannot: structured output, tools, usage in a stream, several choices. */
        json_schema: z.boolean().default(true),
        tools: z.boolean().default(true),
        stream_usage: z.boolean().default(true),
        choices: z.boolean().default(true),
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
  const { overrides = {} } = request;
  const environment = withoutEmpty(request.environment);
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
  const configured = (file.providers ?? []).map(({ name, base_url, tier, api_key_env, models, ...quirks }) => ({
    name,
    base_url,
    tier,
    ...(api_key_env === undefined ? {} : { api_key_env }),
    quirks: { ...quirks, ...(models === undefined ? {} : { models }) },
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
      quirks: { max_tokens_field: baseUrl === undefined ? 'max_completion_tokens' : 'max_tokens' },
    });
  }
  if (environment['GROQ_API_KEY'] !== undefined) {
    found.push({
      name: 'groq',
      base_url: 'https://api.groq.com/openai/v1',
      api_key_env: 'GROQ_API_KEY',
      tier: 'pool',
      quirks: {},
    });
  }
  const ollama = environment['OLLAMA_HOST'];
  if (ollama !== undefined) {
    found.push({
      name: 'ollama',
      base_url: `${ollamaOrigin(ollama, problems)}/v1`,
      tier: 'local',
      quirks: {},
    });
  }
  return found;
}

/** As Ollama itself reads it: `host`, `host:port` or a URL; the address to listen on everywhere means this machine. */
function ollamaOrigin(text: string, problems: string[]): string {
  if (/^https?:\/\//.test(text)) return urlOf('OLLAMA_HOST', text, problems).replace(/\/+$/, '');
  const url = new URL(urlOf('OLLAMA_HOST', `http://${text}`, problems));
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = '127.0.0.1';
  if (!/:\d+\/*$/.test(text)) url.port = '11434';
  return url.origin;
}

async function readSignetJson(path: string, problems: string[]): Promise<z.infer<typeof signetJson>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') problems.push(`expected to be able to read ${path}`);
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

/** The client of the platform refuses such a URL at each request, and its password would reach logs. */
function hasNoCredentials(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

/** A variable that is set to nothing is how a shell takes one back. */
function withoutEmpty(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== ''));
}

function portOf(text: string | undefined, problems: string[]): number {
  if (text === undefined) return 3001;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535 && text.trim() !== '') return port;
  problems.push(`expected \`SIGNET_PORT\` between 0 and 65535, got \`${text}\``);
  return 0;
}

function urlOf(name: string, text: string, problems: string[]): string {
  if (URL.canParse(text) && /^https?:/.test(text) && hasNoCredentials(text)) return text;
  problems.push(`expected an http or https URL without user or password in \`${name}\``);
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
