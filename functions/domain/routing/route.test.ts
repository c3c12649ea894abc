import { expect, test } from '@jest/globals';
import type { ModelInfo } from '../ports/provider.ts';
import { describeRoute } from './describe-route.ts';
import { route, type RouteConfig, type RouteFacts } from './route.ts';

const config: RouteConfig = { tiers: ['local', 'pool'] };
const facts: RouteFacts = { needs_tools: false, prompt_tokens: 10 };
const model = (id: string, more: Partial<ModelInfo> = {}): ModelInfo => ({
  id,
  provider: id.split('/')[0] ?? '',
  tier: 'pool',
  capabilities: ['chat', 'tools'],
  owned_by: 'x',
  ...more,
});
const edge = model('edge/signet-edge-1', { tier: 'edge', rules: true });

test('a full name, or the id alone where only one provider has it', () => {
  const models = [edge, model('groq/meta/llama'), model('a/same'), model('b/same')];
  expect(route({ model: 'groq/meta/llama' }, config, models, facts)).toMatchObject({
    chosen: { id: 'groq/meta/llama' },
    fallbacks: [],
  });
  expect(route({ model: 'meta/llama' }, config, models, facts)).toMatchObject({ chosen: { id: 'groq/meta/llama' } });
  expect(route({ model: 'signet-edge-1' }, config, models, facts)).toMatchObject({ chosen: { id: edge.id } });
  expect(route({ model: 'same' }, config, models, facts)).toEqual({ kind: 'ambiguous', names: ['a/same', 'b/same'] });
  expect(route({ model: 'llama' }, config, models, facts)).toEqual({ kind: 'unknown' });
});

test('auto takes local before pool, the default of a provider before the rest, then the name', () => {
  const models = [
    model('z/pool'),
    model('b/two', { tier: 'local' }),
    model('c/one', { tier: 'local', default: true }),
    model('a/pool'),
    model('y/pool'),
  ];
  const found = route({ model: 'auto' }, config, models, facts);
  expect(found).toMatchObject({ chosen: { id: 'c/one' } });
  expect(found.kind === 'chosen' && found.fallbacks.map(({ id }) => id)).toEqual(['b/two', 'a/pool', 'y/pool']);
  expect(route({ model: 'auto', tier: 'pool' }, config, models, facts)).toMatchObject({ chosen: { id: 'a/pool' } });
});

test('rules answer for `auto` only when nothing else is configured, or when asked for', () => {
  expect(route({ model: 'auto' }, config, [edge], facts)).toMatchObject({ chosen: { id: edge.id } });
  expect(route({ model: 'auto' }, config, [edge, model('a/b', { capabilities: ['embeddings'] })], facts)).toMatchObject(
    {
      kind: 'none',
      candidates: [{ reason: 'rules_pose_as_model' }, { reason: 'capability' }],
    },
  );
  expect(route({ model: 'auto', tier: 'edge' }, config, [edge, model('a/b')], facts)).toMatchObject({
    chosen: { id: edge.id },
  });
});

test.each([
  ['tier', { model: 'a/b', tier: 'local' as const }, model('a/b'), facts],
  ['capability', { model: 'a/b' }, model('a/b', { capabilities: ['chat'] }), { ...facts, needs_tools: true }],
  ['context', { model: 'a/b' }, model('a/b', { context_tokens: 5 }), facts],
])('a named model that does not fit is told why: %s', (reason, request, only, asked) => {
  expect(route(request, config, [only], asked)).toEqual({
    kind: 'none',
    candidates: [{ model: 'a/b', tier: 'pool', reason }],
  });
});

test('a receipt names the first candidates and counts them all', () => {
  const models = Array.from({ length: 300 }, (_, n) => model(`p/m${n}`));
  const found = route({ model: 'auto' }, config, models, facts);
  if (found.kind !== 'chosen') throw new Error('expected a choice');
  const told = describeRoute(found, facts, found.chosen.id);
  expect(told).toMatchObject({ rule_version: 1, facts, candidates_total: 300, chosen: 'p/m0' });
  expect(JSON.stringify(told).length).toBeLessThan(1000);
});
