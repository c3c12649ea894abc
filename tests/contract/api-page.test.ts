import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { signetJson } from '../../functions/assembly/signet-json.ts';
import { makeApp } from '../../functions/edge/make-app.ts';
import { recordedServices } from '../../functions/edge/testing/recorded-services.ts';

interface OpenApi {
  readonly paths: {
    readonly [path: string]: { readonly [method: string]: { readonly requestBody?: { readonly content: Content } } };
  };
}

type Content = { readonly [type: string]: { readonly schema: object } };

const page = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^### `([^`]+)`\n\n```json\n([\s\S]*?)\n```$/gm)].map(
  ([, title = '', text = '']) => ({
    title,
    body: JSON.parse(text) as unknown,
  }),
);
const document = (await (await makeApp(recordedServices()).request('/openapi.json')).json()) as OpenApi;

test('docs/api.md: every heading of a route has its example', () => {
  expect(examples.map(({ title }) => title)).toEqual([...page.matchAll(/^### `([^`]+)`$/gm)].map(([, title]) => title));
});

test.each(examples)('docs/api.md: the example of $title is what it says', ({ title, body }) => {
  if (title === 'signet.json') {
    expect(signetJson.safeParse(body)).toMatchObject({ success: true });
    return;
  }
  const [method = '', path = ''] = title.split(' ');
  const schema = document.paths[path]?.[method.toLowerCase()]?.requestBody?.content['application/json']?.schema;
  expect(schema).toBeDefined();
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'openapi');
  const fits = ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi#/')) as object);
  expect({ fits: fits(body), errors: fits.errors }).toEqual({ fits: true, errors: null });
});
