import { SignetError } from '../errors.ts';
import type { ChatProvider, ModelInfo, Tier } from '../ports/provider.ts';
import { route, type Route, type RouteFacts } from '../routing/route.ts';
import { readCatalogue, unlistedModel, type Catalogue } from './catalogue.ts';
import type { ChatRequest } from './chat-types.ts';

export interface ChosenModel {
  /** The model that answers, then those that may stand in for it before its first piece. */
  readonly models: readonly [ModelInfo, ...ModelInfo[]];
  readonly route: Extract<Route, { kind: 'chosen' }>;
}

/**
 * The model for a request.
 * @throws {SignetError} `model_not_found`, `no_provider`, or the error of a provider that would have to be asked
 */
export async function chooseModel({
  request,
  providers,
  facts,
  permits,
  signal,
}: {
  request: ChatRequest;
  providers: readonly ChatProvider[];
  facts: RouteFacts;
  /** Whether policy lets the caller use a model. */
  permits: (model: ModelInfo) => boolean;
  signal: AbortSignal;
}): Promise<ChosenModel> {
  const { found, catalogue } = await findRoute({ request, providers, facts, signal });
  switch (found.kind) {
    case 'chosen': {
      const fallbacks = found.fallbacks.filter(permits);
      return { models: [found.chosen, ...fallbacks], route: found };
    }
    case 'unknown':
      throw unknownModel(request.model, catalogue);
    case 'ambiguous':
      throw new SignetError({
        code: 'model_not_found',
        detail: `several providers have \`${request.model}\`: name one of ${found.names.slice(0, 8).join(', ')}`,
        param: 'model',
      });
    case 'none':
      throw noModel(found, request, catalogue);
    default:
      return found satisfies never;
  }
}

/** The rule over what the providers offer now. */
export async function findRoute({
  request,
  providers,
  facts,
  tiers = ['local', 'pool'],
  signal,
}: {
  request: Pick<ChatRequest, 'model' | 'signet'>;
  providers: readonly ChatProvider[];
  facts: RouteFacts;
  tiers?: readonly Tier[];
  signal: AbortSignal;
}): Promise<{ found: Route; catalogue: Catalogue }> {
  const catalogue = await readCatalogue(providers, signal);
  const unlisted = unlistedModel(request.model, catalogue);
  const models = unlisted === undefined ? catalogue.models : [...catalogue.models, unlisted];
  const tier = request.signet?.tier;
  const asked = { model: request.model, ...(tier === undefined ? {} : { tier }) };
  return { found: route(asked, { tiers }, models, facts), catalogue };
}

function unknownModel(name: string, { silent }: Catalogue): SignetError {
  // A bare id may belong to a provider that did not answer: "no such model" would be a guess.
  const unheard = name.includes('/') ? undefined : silent[0];
  if (unheard !== undefined) return unheard.error;
  return new SignetError({
    code: 'model_not_found',
    detail: `no model \`${name.slice(0, 100)}\` here; GET /v1/models lists them`,
    param: 'model',
  });
}

function noModel(
  { candidates }: Extract<Route, { kind: 'none' }>,
  request: ChatRequest,
  { silent }: Catalogue,
): SignetError {
  const [only] = candidates;
  if (request.model !== 'auto' && only?.reason !== undefined) {
    const detail = {
      tier: `\`${only.model}\` is of tier \`${only.tier}\`, not of the one asked for`,
      capability: `\`${only.model}\` does not do what this request needs`,
      context: `the messages are longer than \`${only.model}\` takes`,
      rules_pose_as_model: `\`${only.model}\` is rules, not a model`,
    }[only.reason];
    const code = only.reason === 'context' ? 'context_length_exceeded' : 'unsupported_parameter';
    return new SignetError({ code, detail, param: only.reason === 'context' ? 'messages' : 'model' });
  }
  const unheard = silent[0];
  const detail =
    unheard === undefined
      ? 'no configured model can serve this request'
      : `no provider is left: ${unheard.error.public.detail}`;
  return new SignetError({ code: 'no_provider', detail });
}
