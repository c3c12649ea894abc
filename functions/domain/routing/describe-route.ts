import type { JsonObject } from '../json.ts';
import { rule_version, type Route, type RouteFacts } from './route.ts';

/** The route as a receipt tells it. A statement is small, so of many candidates it names the first eight and counts the rest. */
export function describeRoute(
  route: Extract<Route, { kind: 'chosen' }>,
  facts: RouteFacts,
  chosen: string,
): JsonObject {
  return {
    rule_version,
    facts: { ...facts },
    candidates: route.candidates.slice(0, candidates_max).map((candidate) => ({ ...candidate })),
    candidates_total: route.candidates.length,
    chosen,
  };
}

const candidates_max = 8;
