import { join, resolve } from 'node:path';
import type { Precision } from '../domain/ports/compute.ts';
import {
  hasNoCredentials,
  namedTwice,
  providersOf,
  readSignetJson,
  SettingsError,
  type ProviderSettings,
} from './signet-json.ts';
import { witnessSettingsOf, type WitnessSettings } from './witness-settings.ts';

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
  /** Of embeddings whose request names none; the model's default when absent. */
  readonly embed_precision: Precision | undefined;
  readonly ort_lib: string | undefined;
  readonly single_user: boolean;
  readonly providers: readonly ProviderSettings[];
  readonly witnessing: WitnessSettings;
}

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
  const embed_precision = oneOf(
    'SIGNET_EMBED_PRECISION',
    environment['SIGNET_EMBED_PRECISION'],
    ['model', 'fp32', 'int8'],
    'model',
    problems,
  );
  const providers = [...providersOf(file), ...providersOfEnvironment(environment, problems)];
  problems.push(...namedTwice(providers));
  if (problems.length > 0) throw new SettingsError(problems);
  return {
    home,
    host: overrides.host ?? environment['SIGNET_HOST'] ?? '127.0.0.1',
    port,
    remote: overrides.host !== undefined || environment['SIGNET_HOST'] !== undefined,
    log_level,
    compute,
    embed_model: environment['SIGNET_EMBED_MODEL'],
    embed_precision: embed_precision === 'model' ? undefined : embed_precision,
    ort_lib: environment['SIGNET_ORT_LIB'],
    single_user: file.single_user ?? true,
    providers,
    witnessing: witnessSettingsOf(file),
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
