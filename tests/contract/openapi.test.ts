import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import errors from '@signet/shared/records/errors.json' with { type: 'json' };
import scopes from '@signet/shared/records/scopes.json' with { type: 'json' };
import { endpoints } from '../../functions/edge/routes/endpoints.ts';
import { bodies } from '../../functions/edge/testing/example-requests.ts';
import { makeApp } from '../../functions/edge/make-app.ts';
import { recordedServices } from '../../functions/edge/testing/recorded-services.ts';

interface Operation {
  readonly operationId: string;
  readonly security: readonly { readonly [scheme: string]: readonly string[] }[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: { readonly [status: string]: { readonly description: string; readonly content?: Content } };
}

type Content = { readonly [type: string]: { readonly schema: object } };

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: {
    readonly schemas: { readonly [name: string]: { readonly enum?: readonly string[] } };
    readonly securitySchemes: object;
  };
}

const document = (await (await makeApp(recordedServices()).request('/openapi.json')).json()) as OpenApi;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path}`,
    path,
    operation,
  })),
);

const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(document, 'openapi');

/** The schema with the document's own references, which stand under its root, resolved by the whole of it. */
function compile(schema: object) {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/');
  return ajv.compile(JSON.parse(text) as object);
}

describe('the OpenAPI document', () => {
  test('is 3.1 and closed: each reference resolves, each name is unique', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(document.info).toMatchObject({ title: 'Signet', version: expect.stringMatching(/./) });
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const [reference] of JSON.stringify(document).matchAll(/"\$ref":"[^"]+"/g)) {
      const target = reference.slice('"$ref":"#/'.length, -1).split('/');
      const found = target.reduce<unknown>(
        (at, part) => (at as { [name: string]: unknown } | undefined)?.[part],
        document,
      );
      expect({ reference, found }).toEqual({ reference, found: expect.anything() });
    }
  });

  test('lists every route that is built and for clients, and no other', () => {
    const built = endpoints.filter(({ path, answers }) => !(501 in answers) && !path.startsWith('/internal/'));
    const routes = built.map(({ method, path }) => `${method} ${path.replace('+}', '}')}`);
    expect(operations.map(({ route }) => route).toSorted()).toEqual(routes.toSorted());
  });

  test('lists every error code, and both shapes of errors say so', () => {
    expect(document.components.schemas['ErrorCode']?.enum).toEqual(errors.errors.map(({ code }) => code));
    for (const { route, path, operation } of operations) {
      const type = path.startsWith('/v1/') ? 'application/json' : 'application/problem+json';
      const name = path.startsWith('/v1/') ? 'OpenAIError' : 'Problem';
      const schema = { $ref: `#/components/schemas/${name}` };
      expect({ route, content: operation.responses['default']?.content }).toEqual({
        route,
        content: { [type]: { schema } },
      });
    }
  });

  test.each(operations)('$route says who may, what it takes and what it answers', ({ path, operation }) => {
    const [security, ...others] = operation.security;
    expect(others).toEqual([]);
    for (const [scheme, asked] of Object.entries(security ?? {})) {
      expect(document.components.securitySchemes).toHaveProperty(scheme);
      const known = scopes.scopes.map(({ scope }) => scope);
      expect(known).toEqual(expect.arrayContaining([...asked]));
    }
    const inPath = [...path.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => name);
    const declared = operation.parameters?.filter((one) => one.in === 'path') ?? [];
    expect(declared.map(({ name }) => name).toSorted()).toEqual(inPath.toSorted());
    expect(declared.every(({ required }) => required === true)).toBe(true);
    const contents = [
      operation.requestBody?.content,
      ...Object.values(operation.responses).map(({ content }) => content),
    ];
    for (const content of contents) for (const { schema } of Object.values(content ?? {})) compile(schema);
    expect(Object.keys(operation.responses).some((status) => /^(101|2\d\d)$/.test(status))).toBe(true);
    for (const { description } of Object.values(operation.responses)) expect(description).not.toBe('');
  });
});

const withBody = operations.flatMap(({ route, operation }) => {
  const schema = operation.requestBody?.content['application/json']?.schema;
  return schema === undefined ? [] : [{ route, schema, example: bodies[route] ?? {} }];
});

describe('a request body', () => {
  test.each(withBody)('of $route: the example fits its schema, an unknown field does not', ({ schema, example }) => {
    const fits = compile(schema);
    expect({ fits: fits(example), errors: fits.errors }).toEqual({ fits: true, errors: null });
    expect(fits({ ...example, no_such_field: 1 })).toBe(false);
    expect(fits([])).toBe(false);
    expect(fits(null)).toBe(false);
  });
});
