import type { ModelInfo, Tier } from '../ports/provider.ts';

/** Raised when a rule changes, so that an old receipt is recomputed with the rules of its time. */
export const rule_version = 1;

/** What a request needs of a model. */
export interface RouteRequest {
  /** `auto`, `provider/id`, or an id that only one provider has. */
  readonly model: string;
  readonly tier?: Tier;
}

export interface RouteConfig {
  /** Tiers in the order of preference when the request names none. */
  readonly tiers: readonly Tier[];
}

/** Numbers and flags of the request, computed by us; never its text. */
export interface RouteFacts {
  readonly needs_tools: boolean;
  readonly prompt_tokens: number;
}

export type DropReason = 'tier' | 'capability' | 'context' | 'rules_pose_as_model';

export interface RouteCandidate {
  readonly model: string;
  readonly tier: Tier;
  /** Why it was dropped; absent if it could serve. */
  readonly reason?: DropReason;
}

export type Route =
  | {
      readonly kind: 'chosen';
      readonly chosen: ModelInfo;
      /** At most three; none for a model that was named: a named model is never swapped. */
      readonly fallbacks: readonly ModelInfo[];
      readonly candidates: readonly RouteCandidate[];
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous'; readonly names: readonly string[] }
  | { readonly kind: 'none'; readonly candidates: readonly RouteCandidate[] };

/**
 * Which model answers, and why each other one does not. Pure: the same arguments give the same route.
 *
 * `edge` models are rules. They join only if nothing else is configured or the request asks for them, by name or by
 * tier: rules must not pose as a model.
 */
export function route(
  request: RouteRequest,
  config: RouteConfig,
  models: readonly ModelInfo[],
  facts: RouteFacts,
): Route {
  if (request.model !== 'auto') return routeNamed(request, models, facts);
  const hasModels = models.some((model) => model.tier !== 'edge');
  const judged = models.map((model) => ({ model, reason: dropReason(model, request, config, facts, hasModels) }));
  const order = tierOrder(request, config);
  const left = judged
    .filter(({ reason }) => reason === undefined)
    .map(({ model }) => model)
    .toSorted(
      (a, b) =>
        order.indexOf(a.tier) - order.indexOf(b.tier) ||
        Number(b.default ?? false) - Number(a.default ?? false) ||
        (a.id < b.id ? -1 : 1),
    );
  const candidates = judged.map(({ model, reason }) => candidate(model, reason));
  const [chosen, ...others] = left;
  return chosen === undefined
    ? { kind: 'none', candidates }
    : { kind: 'chosen', chosen, fallbacks: others.slice(0, 3), candidates };
}

function routeNamed(request: RouteRequest, models: readonly ModelInfo[], facts: RouteFacts): Route {
  const exact = models.filter((model) => model.id === request.model);
  const named = exact.length > 0 ? exact : models.filter((model) => bareId(model) === request.model);
  const [model, second] = named;
  if (model === undefined) return { kind: 'unknown' };
  if (second !== undefined) return { kind: 'ambiguous', names: named.map(({ id }) => id) };
  const reason = request.tier !== undefined && model.tier !== request.tier ? 'tier' : unfit(model, facts);
  const candidates = [candidate(model, reason)];
  return reason === undefined
    ? { kind: 'chosen', chosen: model, fallbacks: [], candidates }
    : { kind: 'none', candidates };
}

/** The id without the provider's prefix. */
export function bareId(model: ModelInfo): string {
  return model.id.slice(model.provider.length + 1);
}

function tierOrder(request: RouteRequest, config: RouteConfig): readonly Tier[] {
  return request.tier === undefined ? [...config.tiers, 'edge'] : [request.tier];
}

function dropReason(
  model: ModelInfo,
  request: RouteRequest,
  config: RouteConfig,
  facts: RouteFacts,
  hasModels: boolean,
): DropReason | undefined {
  if (model.tier === 'edge' && request.tier !== 'edge' && hasModels) return 'rules_pose_as_model';
  if (!tierOrder(request, config).includes(model.tier)) return 'tier';
  return unfit(model, facts);
}

function unfit(model: ModelInfo, facts: RouteFacts): DropReason | undefined {
  if (!model.capabilities.includes('chat')) return 'capability';
  if (facts.needs_tools && !model.capabilities.includes('tools')) return 'capability';
  if (model.context_tokens !== undefined && facts.prompt_tokens > model.context_tokens) return 'context';
  return undefined;
}

function candidate({ id, tier }: ModelInfo, reason: DropReason | undefined): RouteCandidate {
  return reason === undefined ? { model: id, tier } : { model: id, tier, reason };
}
