import { isSignetError, SignetError } from '../errors.ts';
import type { ChatProvider, ModelInfo } from '../ports/provider.ts';

/** What the providers offer right now. */
export interface Catalogue {
  readonly models: readonly ModelInfo[];
  /** Providers that did not say; their models may exist all the same. */
  readonly silent: readonly { readonly provider: ChatProvider; readonly error: SignetError }[];
}

/** Asks all providers at once. One that fails takes nothing from the others. */
export async function readCatalogue(providers: readonly ChatProvider[], signal: AbortSignal): Promise<Catalogue> {
  const answers = await Promise.allSettled(providers.map((provider) => provider.models(signal)));
  signal.throwIfAborted();
  const models: ModelInfo[] = [];
  const silent: { provider: ChatProvider; error: SignetError }[] = [];
  providers.forEach((provider, index) => {
    const answer = answers[index];
    if (answer?.status === 'fulfilled') models.push(...answer.value);
    else silent.push({ provider, error: asSignetError(answer?.reason, provider.name) });
  });
  return { models, silent };
}

/** A model of a provider that did not give its list: whether it exists and what it can, the provider will say. */
export function unlistedModel(name: string, { silent }: Catalogue): ModelInfo | undefined {
  const provider = silent.find((entry) => name.startsWith(`${entry.provider.name}/`))?.provider;
  if (provider === undefined || name.length === provider.name.length + 1) return undefined;
  return {
    id: name,
    provider: provider.name,
    tier: provider.tier,
    capabilities: ['chat', 'tools', 'json_schema', 'stream'],
    owned_by: provider.name,
  };
}

function asSignetError(reason: unknown, name: string): SignetError {
  if (isSignetError(reason)) return reason;
  return new SignetError({ code: 'provider_error', detail: `\`${name}\` gave no list of models` }, { cause: reason });
}
