import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import records from '@signet/shared/records/scopes.json' with { type: 'json' };
import type { Action, Facts, PolicyQuestion } from '../../domain/ports/policy-engine.ts';
import { scopes } from '../../domain/scopes.ts';
import { cedarPolicy, checkedPolicy } from './cedar-policy.ts';
import { checkPolicies, PolicyRefusedError } from './check-policies.ts';
import type { CheckedPolicies } from './check-policies.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../../shared/policies/${name}`, import.meta.url), 'utf8');
const schema = read('signet.cedarschema');
const permits = read('permits.cedar');
const shipped = cedarPolicy({ policies: [permits], schema });

function question(action: Action, type: string, facts: Facts, kind: 'key' | 'run' = 'key'): PolicyQuestion {
  return { principal: { kind, id: 'p1', tenant: 'default' }, action, resource: { type, id: 'r1' }, facts };
}

const decided: readonly (readonly [Action, string, string, Facts?])[] = [
  ['chat', 'Model', 'chat'],
  ['embed', 'Model', 'embed'],
  ['queryVectors', 'Collection', 'vectors:read'],
  ['writeVectors', 'Collection', 'vectors:write'],
  ['runScript', 'Script', 'runs:write'],
  ['manageScripts', 'Script', 'runs:write'],
  ['manageTools', 'Tool', 'tools:write'],
  ['callTool', 'Tool', 'tools:call', { side_effects: 'compute' }],
  ['search', 'Web', 'web'],
  ['fetch', 'Web', 'web'],
  ['checkGates', 'Gates', 'gates'],
  ['administer', 'ApiKey', 'keys:admin'],
  ['read', 'Model', 'models:read'],
  ['read', 'Collection', 'vectors:read'],
  ['read', 'Tool', 'tools:read'],
  ['read', 'Script', 'runs:read'],
  ['read', 'Run', 'runs:read'],
  ['read', 'ApiKey', 'keys:admin'],
  ['read', 'Receipt', 'ledger:read'],
  ['read', 'Node', 'node:read'],
  ['read', 'Envelope', 'ledger:read'],
  ['sign', 'Identity', 'identity:sign'],
  ['manageIdentity', 'Identity', 'identity:write'],
];

describe('the shipped permits', () => {
  test.each(decided)('%s on %s needs the scope `%s` and no other grants it', (action, type, scope, facts = {}) => {
    expect(shipped.decide(question(action, type, { ...facts, scopes: [scope] })).effect).toBe('allow');
    const others = scopes.filter((other) => other !== scope);
    const refused = shipped.decide(question(action, type, { ...facts, scopes: others }));
    expect(refused).toEqual({ effect: 'deny', policies: [], errors: [] });
  });

  test('no scope at all permits nothing', () => {
    for (const [action, type, , facts = {}] of decided) {
      expect(shipped.decide(question(action, type, { ...facts, scopes: [] })).effect).toBe('deny');
    }
  });

  test.each(['network', 'write', 'filesystem', 'database', 'system', 'NONE', ''])(
    'a tool with side effects `%s` is not called',
    (side_effects) => {
      expect(shipped.decide(question('callTool', 'Tool', { scopes: [...scopes], side_effects })).effect).toBe('deny');
    },
  );

  test.each(['none', 'compute', 'read'])('a tool with side effects `%s` is called', (side_effects) => {
    const answer = shipped.decide(question('callTool', 'Tool', { scopes: ['tools:call'], side_effects }));
    expect(answer).toEqual({ effect: 'allow', policies: ['call-harmless-tools'], errors: [] });
  });

  test('a run acts with the scopes of its key, but administers nothing', () => {
    expect(shipped.decide(question('chat', 'Model', { scopes: ['chat'] }, 'run')).effect).toBe('allow');
    expect(shipped.decide(question('administer', 'ApiKey', { scopes: ['keys:admin'] }, 'run')).effect).toBe('deny');
  });

  test('every action that this build decides over belongs to a scope of the record', () => {
    const named = new Set(records.scopes.flatMap((record) => record.actions));
    for (const [action] of decided) expect(named).toContain(action);
  });
});

describe('what denies', () => {
  test('a fact that is missing', () => {
    const answer = shipped.decide(question('callTool', 'Tool', { scopes: ['tools:call'] }));
    expect(answer.effect).toBe('deny');
    expect(answer.errors.length).toBeGreaterThan(0);
  });

  test('a fact of the wrong type', () => {
    expect(shipped.decide(question('chat', 'Model', { scopes: 'chat' })).effect).toBe('deny');
  });

  test('scopes that are not given', () => {
    expect(shipped.decide(question('chat', 'Model', {})).effect).toBe('deny');
  });

  test('a `forbid` that fails to evaluate, though Cedar itself would skip it and allow', () => {
    const failing = '@id("overflow") forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };';
    const engine = cedarPolicy({ policies: [permits, failing], schema });
    const answer = engine.decide(question('chat', 'Model', { scopes: ['chat'] }));
    expect(answer.effect).toBe('deny');
    expect(answer.errors.join()).toContain('overflow');
  });

  test('a `forbid` of the owner over the shipped permit', () => {
    const own =
      '@id("no-pool") forbid (principal, action == Action::"chat", resource) when { context has tier && context.tier == "pool" };';
    const engine = cedarPolicy({ policies: [permits, own], schema });
    expect(engine.decide(question('chat', 'Model', { scopes: ['chat'], tier: 'pool' }))).toEqual({
      effect: 'deny',
      policies: ['no-pool'],
      errors: [],
    });
    expect(engine.decide(question('chat', 'Model', { scopes: ['chat'], tier: 'edge' })).effect).toBe('allow');
  });

  test('an id with quotes, brackets and NUL is an id and nothing more', () => {
    const odd = { type: 'Model', id: '"] || true // \u0000' };
    expect(shipped.decide({ ...question('chat', 'Model', { scopes: [] }), resource: odd }).effect).toBe('deny');
    expect(shipped.decide({ ...question('chat', 'Model', { scopes: ['chat'] }), resource: odd }).effect).toBe('allow');
  });

  test('a resource type that is no Cedar name', () => {
    expect(shipped.decide(question('chat', 'no such :: type', { scopes: ['chat'] })).effect).toBe('deny');
  });
});

test('a remembered answer is that of the same question and of no other', () => {
  const ask = (scopes: readonly string[], id: string, kind: 'key' | 'run' = 'key') =>
    shipped.decide({
      principal: { kind, id, tenant: 'default' },
      action: 'chat',
      resource: { type: 'Model', id: 'm' },
      facts: { scopes },
    }).effect;
  for (let round = 0; round < 2; round += 1) {
    expect(ask(['chat'], 'a')).toBe('allow');
    expect(ask([], 'a')).toBe('deny');
    expect(ask(['chat"],"x":["'], 'a')).toBe('deny');
  }
  // More questions than are remembered, and then the first ones again.
  for (let count = 0; count < 4_200; count += 1) ask([], `k${count}`);
  expect(ask(['chat'], 'a')).toBe('allow');
  expect(ask(['chat'], 'x'.repeat(5_000))).toBe('allow');
});

describe('what stops the start', () => {
  test.each([
    ['a policy that does not parse', 'permit (principal'],
    ['an action outside the schema', '@id("x") permit (principal, action == Action::"fly", resource);'],
    [
      'a fact outside the schema',
      '@id("x") permit (principal, action == Action::"chat", resource) when { context.mood == "good" };',
    ],
    ['a policy without an id', 'permit (principal, action == Action::"chat", resource);'],
    ['an id that stands twice', '@id("chat") permit (principal, action == Action::"chat", resource);'],
    ['a template', '@id("t") permit (principal == ?principal, action == Action::"chat", resource);'],
  ])('%s', (_, text) => {
    expect(() => cedarPolicy({ policies: [permits, text], schema })).toThrow(PolicyRefusedError);
  });

  test('a schema that does not parse', () => {
    expect(() => cedarPolicy({ policies: [permits], schema: 'entity' })).toThrow(PolicyRefusedError);
  });
});

test('the policy version is a digest of policies and schema', () => {
  expect(shipped.policy_version).toMatch(/^[0-9a-f]{64}$/);
  expect(cedarPolicy({ policies: [permits], schema }).policy_version).toBe(shipped.policy_version);
  const more = '@id("more") forbid (principal, action == Action::"fetch", resource);';
  expect(cedarPolicy({ policies: [permits, more], schema }).policy_version).not.toBe(shipped.policy_version);
  expect(cedarPolicy({ policies: [permits], schema: `${schema}\n` }).policy_version).not.toBe(shipped.policy_version);
});

test('policies that were checked before, as JSON, answer the same under the same version', () => {
  const checked = JSON.parse(JSON.stringify(checkPolicies({ policies: [permits], schema }))) as CheckedPolicies;
  const engine = checkedPolicy(checked);
  expect(engine.policy_version).toBe(shipped.policy_version);
  for (const [action, type, scope, facts = {}] of decided) {
    const asked = question(action, type, { ...facts, scopes: [scope] });
    expect(engine.decide(asked)).toEqual(shipped.decide(asked));
  }
});

test('a checked policy that does not parse is refused all the same', () => {
  expect(() => checkedPolicy({ policy_version: 'x', policies: { broken: 'permit(' } })).toThrow(PolicyRefusedError);
});
