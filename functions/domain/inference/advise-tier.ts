import { SignetError } from '../errors.ts';
import type { ModelInfo, Tier } from '../ports/provider.ts';
import type { Route } from '../routing/route.ts';
import type { PromptFeatures, TierAdvice, TierRequest } from './inference.ts';
import type { KnownSpeed } from './measured-speed.ts';

/**
 * The route that a generation would take, told. Where latency matters, tiers stand in the order of what was measured of
 * their providers; otherwise in the configured one.
 */
export async function adviseTier({
  request,
  known,
  routeOf,
}: {
  request: TierRequest;
  known: readonly KnownSpeed[];
  /** The router, with its own order of tiers or another. */
  routeOf: (tiers?: readonly Tier[]) => Promise<Route>;
}): Promise<Omit<TierAdvice, 'complexity' | 'features'>> {
  const usual = await routeOf();
  const order = request.latency_sensitive ? byLatency(usual, known) : undefined;
  const route = order === undefined ? usual : await routeOf(order);
  if (route.kind !== 'chosen') {
    throw new SignetError({ code: 'no_provider', detail: 'no configured model can serve this request' });
  }
  const { chosen, fallbacks } = route;
  const [next] = fallbacks;
  const speed = known.find(({ provider }) => provider === chosen.provider);
  return {
    recommended_tier: chosen.tier,
    model: chosen.id,
    reasoning: reasoningOf(route, { order, speed }),
    estimates: {
      ...(speed === undefined ? {} : { ms: speed.ms }),
      // Rules run in this process: nobody is paid. Other prices are not known here.
      ...(chosen.rules === true ? { nanousd: 0 } : {}),
    },
    ...(next === undefined ? {} : { runner_up: { model: next.id, tier: next.tier } }),
  };
}

/** What can be said of a prompt without understanding it. */
export function featuresOf({ prompt, max_tokens }: TierRequest): PromptFeatures {
  return {
    prompt_tokens: Math.ceil(Buffer.byteLength(prompt) / 4),
    answer_tokens: max_tokens,
    lines: prompt.split('\n').length,
    questions: prompt.split(/[?？]/).length - 1,
    has_code: /```|^\s*(def|class|function|import|const|let|fn|SELECT)\b|[;{}]\s*$/m.test(prompt),
  };
}

/** From 0 to 1 in steps of a hundredth: length of prompt and answer, code, and questions beyond the first. */
export function complexityOf({ prompt_tokens, answer_tokens, questions, has_code }: PromptFeatures): number {
  const points =
    Math.min(40, Math.floor(prompt_tokens / 50)) +
    Math.min(20, Math.floor(answer_tokens / 200)) +
    (has_code ? 20 : 0) +
    Math.min(20, Math.max(0, questions - 1) * 5);
  return points / 100;
}

/** Each tier by its fastest provider; a tier of which nothing is known keeps its place behind the others. */
function byLatency(route: Route, known: readonly KnownSpeed[]): readonly Tier[] | undefined {
  if (route.kind !== 'chosen') return undefined;
  const models: readonly ModelInfo[] = [route.chosen, ...route.fallbacks];
  const tiers = [...new Set(models.map(({ tier }) => tier))].filter((tier) => tier !== 'edge');
  const ms = (tier: Tier): number =>
    Math.min(
      ...models
        .filter((model) => model.tier === tier)
        .map(({ provider }) => known.find((one) => one.provider === provider)?.ms ?? Infinity),
    );
  return tiers.length < 2 ? undefined : tiers.toSorted((a, b) => ms(a) - ms(b) || tiers.indexOf(a) - tiers.indexOf(b));
}

function reasoningOf(
  { chosen, candidates, fallbacks }: Extract<Route, { kind: 'chosen' }>,
  { order, speed }: { order: readonly Tier[] | undefined; speed: KnownSpeed | undefined },
): readonly string[] {
  const dropped = candidates.filter(({ reason }) => reason !== undefined).length;
  return [
    `${candidates.length - dropped} of ${candidates.length} models can serve this request`,
    ...(order === undefined ? [] : [`latency matters: tiers by what was measured, ${order.join(' before ')}`]),
    chosen.rules === true
      ? 'no model is configured: the built-in rules answer'
      : fallbacks.length === 0
        ? `\`${chosen.id}\` is the only one`
        : `\`${chosen.id}\` comes first: tier, then the default of its provider, then its name`,
    ...(speed === undefined
      ? []
      : [
          speed.of === 'probe'
            ? `its provider answered the last probe in ${speed.ms} ms`
            : `its provider took ${speed.ms} ms on average over ${speed.count} generations`,
        ]),
  ];
}
