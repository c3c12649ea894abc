import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { ErrorCode } from '../../functions/domain/errors.ts';
import { errorRecord } from '../../functions/domain/errors.ts';
import environment from './environment.json' with { type: 'json' };
import errors from './errors.json' with { type: 'json' };
import scopes from './scopes.json' with { type: 'json' };

/** The members of a union type, read from its source: types are gone when tests run. */
function unionIn(file: string, type: string): string[] {
  const source = readFileSync(new URL(`../../functions/domain/${file}`, import.meta.url), 'utf8');
  const body = new RegExp(`export type ${type} =([^;]+);`).exec(source)?.[1] ?? '';
  return [...body.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? '');
}

describe('errors.json', () => {
  test('has the codes of the type ErrorCode, each once', () => {
    const codes = errors.errors.map((record) => record.code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.toSorted()).toEqual(unionIn('errors.ts', 'ErrorCode').toSorted());
  });

  test('has a status, a type of OpenAI and a title for each', () => {
    for (const record of errors.errors) {
      expect(record.code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(record.status).toBeGreaterThanOrEqual(400);
      expect(record.status).toBeLessThan(600);
      expect(record.title).toMatch(/^\S.*[^.]$/);
      expect(errorRecord(record.code as ErrorCode)).toBe(record);
    }
  });
});

describe('scopes.json', () => {
  test('has the scopes of the type Scope, each once', () => {
    const names = scopes.scopes.map((record) => record.scope);
    expect(names.toSorted()).toEqual(unionIn('scopes.ts', 'Scope').toSorted());
    expect(new Set(names).size).toBe(names.length);
  });

  test('names every action that policy decides over', () => {
    const named = new Set(scopes.scopes.flatMap((record) => record.actions));
    for (const action of unionIn('ports/policy-engine.ts', 'Action')) expect(named).toContain(action);
  });
});

describe('environment.json', () => {
  test('names each variable once, with what it is for', () => {
    const names = environment.variables.map((variable) => variable.name);
    expect(new Set(names).size).toBe(names.length);
    for (const variable of environment.variables) {
      expect(variable.name).toMatch(/^[A-Z][A-Z0-9_]*$/);
      expect(variable.for).not.toBe('');
      if (variable.default !== undefined && variable.choices !== undefined) {
        expect(variable.choices).toContain(variable.default);
      }
    }
  });

  test('marks what carries a key as secret', () => {
    for (const { name, secret } of environment.variables) expect(secret).toBe(name.endsWith('_API_KEY'));
  });
});
