import limits from '@signet/shared/limits.json' with { type: 'json' };
import { edgeProvider } from '../adapters/edge-model/edge-provider.ts';
import { openAiProvider } from '../adapters/openai/openai-provider.ts';
import type { Now, RandomBytes } from '../domain/call.ts';
import type { ChatProvider } from '../domain/ports/provider.ts';
import type { Secrets } from '../domain/ports/secrets.ts';
import type { ProviderSettings } from './signet-json.ts';

/** The configured providers in their order, and the built-in one last. */
export function makeProviders(request: {
  settings: { readonly providers: readonly ProviderSettings[] };
  secrets: Secrets;
  now: Now;
  random: RandomBytes;
}): readonly ChatProvider[] {
  const { settings, secrets, now, random } = request;
  const configured = settings.providers.map(({ name, base_url, tier, api_key_env, quirks }) =>
    openAiProvider({
      name,
      base_url,
      tier,
      ...(api_key_env === undefined ? {} : { api_key: () => secrets.get(api_key_env) }),
      quirks,
      now,
      random,
      limits: limits.provider,
    }),
  );
  return [...configured, edgeProvider()];
}
