import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { OpenAiQuirks } from '../adapters/openai/openai-provider.ts';
import { witnessesJson, witnessJson } from './witness-settings.ts';

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
  /** In the cloud: offers also providers at a loopback or link-local address, which is for tests. On a laptop all are. */
  allow_local_addresses: z.boolean().optional(),
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
  /** Whose logs this node cosigns. */
  witness: witnessJson.optional(),
  /** Who cosigns the log of this node. */
  witnesses: witnessesJson.optional(),
});

export type SignetJson = z.infer<typeof signetJson>;

/** The file's content, `{}` when there is none; what is wrong with it is added to `problems`. */
export async function readSignetJson(path: string, problems: string[]): Promise<SignetJson> {
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

/** The configured providers, in their order. */
export function providersOf(file: SignetJson): readonly ProviderSettings[] {
  return (file.providers ?? []).map(({ name, base_url, tier, api_key_env, models, ...quirks }) => ({
    name,
    base_url,
    tier,
    ...(api_key_env === undefined ? {} : { api_key_env }),
    quirks: { ...quirks, ...(models === undefined ? {} : { models }) },
  }));
}

export function namedTwice(providers: readonly ProviderSettings[]): readonly string[] {
  const names = providers.map((provider) => provider.name);
  const twice = new Set(names.filter((candidate, index) => names.indexOf(candidate) !== index));
  return [...twice].map((name) => `expected one provider named \`${name}\`, got several`);
}

/** The client of the platform refuses such a URL at each request, and its password would reach logs. */
export function hasNoCredentials(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}
