import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import errors from '@signet/shared/records/errors.json' with { type: 'json' };
import limits from '@signet/shared/limits.json' with { type: 'json' };
import runScript from '@signet/shared/schemas/run-script.json' with { type: 'json' };
import { endpoints } from '../../functions/edge/routes/endpoints.ts';
import { bodies } from '../../functions/edge/testing/example-requests.ts';
import { scopes } from '../../functions/domain/scopes.ts';

/** A host of the API under test. */
export interface HostileHost {
  /** Base URL, with the path of its stage where it has one. */
  readonly url: string;
  readonly owner_key: string;
  /** All that it logged so far. */
  output(): string;
  stop(): Promise<unknown>;
}

const codes = new Set(errors.errors.map(({ code }) => code));
const samples: { readonly [part: string]: string } = { '{id+}': 'no/model', '{collection}': 'hostile' };
const routes = endpoints
  .filter(({ answers }) => !(501 in answers))
  .map((endpoint) => ({
    ...endpoint,
    route: `${endpoint.method} ${endpoint.path.replace('+}', '}')}`,
    sample: endpoint.path.replaceAll(/\{[a-z_]+\+?\}/g, (part) => samples[part] ?? 'x1'),
  }));
const withBody = routes.filter(({ body }) => body !== undefined);
const guarded = routes.filter(({ access }) => access !== 'open');

let node: HostileHost;
/** Several keys, so that the limit of one key's rate does not answer in place of the route. */
let keys: readonly string[] = [];
let document: { paths: { [path: string]: { [method: string]: { requestBody?: RequestBody } } } };
const ajv = new Ajv2020({ strict: false, validateFormats: false });

interface RequestBody {
  readonly content: { readonly 'application/json': { readonly schema: Schema } };
}

interface Schema {
  readonly properties?: { readonly [name: string]: Schema };
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/**
 * Every route of a host, under input that no client sends by mistake alone. What is tried is generated from the OpenAPI
 * document that the host serves: a new route is tried without a line here.
 *
 * @param carried_bytes_max what the way to the host carries; larger bodies are refused there, by whoever stands there
 * @param more_of_bodies fields for a route's example, by route
 */
export function hostileCases(
  open: () => Promise<HostileHost>,
  {
    carried_bytes_max = Infinity,
    more_of_bodies = {},
  }: { carried_bytes_max?: number; more_of_bodies?: { readonly [route: string]: object } } = {},
): void {
  beforeAll(async () => {
    node = await open();
    const made: string[] = [];
    await inParallel(Array.from({ length: 16 }), async () => {
      const body = JSON.stringify({ label: `hostile ${made.length}`, scopes });
      const answer = await send('POST', '/api/v1/api-keys', { body, bearer: node.owner_key });
      expect(answer).toMatchObject({ status: 201 });
      made.push((JSON.parse(answer.text) as { token: string }).token);
    });
    keys = made;
    document = JSON.parse((await send('GET', '/openapi.json', {})).text) as typeof document;
    ajv.addSchema(document, 'openapi');
    ajv.addSchema(runScript);
  }, 120_000);

  afterAll(async () => {
    await node?.stop();
  });

  describe.each(withBody)('$route', ({ route, method, sample, path, access, body }) => {
    const good = JSON.stringify({ ...(bodies[route] as object), ...more_of_bodies[route] });
    const bearer = access === 'run-token' ? 'no-such-run-token' : undefined;
    const cap = limits.body_bytes_max[body?.class ?? 'other'];
    const refuse = async (text: string | Uint8Array, expected: Partial<Expected> = {}, more: Partial<Sent> = {}) => {
      const answer = await send(method, sample, { body: text, ...(bearer === undefined ? {} : { bearer }), ...more });
      return expectRefusal(answer, sample, expected);
    };

    test.each<[string, string | Uint8Array, string | undefined]>([
      ['nothing', '', undefined],
      ['white space', ' \n', 'json.syntax'],
      ['a body cut off', good.slice(0, -1), 'json.syntax'],
      ['two values', `${good}${good}`, undefined],
      ['text after the value', `${good} x`, 'json.syntax'],
      ['a comment', `/* */${good}`, 'json.syntax'],
      ['a trailing comma', good.replace(/\}$/, ',}'), 'json.syntax'],
      ['single quotes', "{'a':1}", 'json.syntax'],
      ['NaN', '{"a":NaN}', 'json.syntax'],
      ['a name twice', '{"a":1,"a":2}', 'json.duplicate_key'],
      ['a name twice, once escaped', '{"a":1,"\\u0061":2}', 'json.duplicate_key'],
      ['a name twice, deep within', '{"a":[{"b":{"c":1,"c":1}}]}', 'json.duplicate_key'],
      ['nesting of 65', `${'['.repeat(65)}${']'.repeat(65)}`, 'json.depth'],
      ['nesting of 100,000', '['.repeat(100_000), 'json.depth'],
      ['a byte order mark', `\ufeff${good}`, 'json.utf8'],
      ['a byte that is not UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'json.utf8'],
      ['an overlong encoding', new Uint8Array([0x22, 0xc0, 0xaf, 0x22]), 'json.utf8'],
      ['UTF-16', new Uint8Array(Buffer.from(good, 'utf16le')), undefined],
      ['a lone surrogate', '{"a":"\\ud800"}', 'json.string'],
      ['a lone surrogate in a name', '{"\\udc00":1}', 'json.string'],
      ['a noncharacter', '{"a":"\\uffff"}', 'json.string'],
      ['a number beyond a double', '{"a":1e400}', 'json.number'],
      ['an integer beyond 2^53', '{"a":9007199254740993}', 'json.number'],
      ['a control character in a string', '{"a":"\u0000"}', 'json.syntax'],
      ['a list', '[]', undefined],
      ['null', 'null', undefined],
      ['a string', '"x"', undefined],
      ['an unknown field', JSON.stringify({ ...(JSON.parse(good) as object), no_such_field: 1 }), undefined],
      ['__proto__', `{"__proto__":{"admin":true},${good.slice(1)}`.replace(',}', '}'), undefined],
    ])('refuses %s', async (what, text, reason) => {
      const optionalAndAbsent = text === '' && body?.optional === true;
      if (optionalAndAbsent) return;
      const refused = await refuse(text, { status: 400 });
      if (body?.plain_depth_max !== undefined && !['json.syntax', 'json.utf8'].includes(reason ?? '')) return;
      if (reason !== undefined && !(what === 'nothing')) expect(refused.reason).toBe(reason);
    });

    test('refuses one byte over its cap, declared or chunked', async () => {
      for (const chunked of [false, true]) {
        const over = { body: filled(cap + 1), chunked, ...(bearer === undefined ? {} : { bearer }) };
        const answer = await send(method, sample, over);
        if (cap < carried_bytes_max) expectRefusal(answer, sample, { status: 413 });
        else expect(answer.status).toBe(413);
      }
      if (cap > carried_bytes_max) return;
      // The exact cap is read, and refused for what it is.
      for (const chunked of [false, true]) await refuse(filled(cap), { status: 400 }, { chunked });
    });

    test.each([
      ['text/plain', undefined],
      ['application/json; charset=iso-8859-1', undefined],
      ['application/jsonp', undefined],
      ['', undefined],
      ['application/json', 'gzip'],
      ['application/json', 'br, identity'],
    ])('refuses content-type %p with content-encoding %p', async (type, encoding) => {
      await refuse(good, { status: 415 }, { type, ...(encoding === undefined ? {} : { encoding }) });
    });

    test('answers any value in any field with its answer or a 4xx, and a 4xx where the document says so', async () => {
      const is_internal = path.startsWith('/internal/');
      const schema = is_internal
        ? (runScript.$defs.frame as unknown as Schema)
        : document.paths[path.replace('+}', '}')]?.[method.toLowerCase()]?.requestBody?.content['application/json']
            .schema;
      expect(schema).toBeDefined();
      const home_of_references = is_internal ? runScript.$id : 'openapi';
      const text = JSON.stringify(schema).replaceAll('"#/', `"${home_of_references}#/`);
      const fits = ajv.compile(JSON.parse(text) as object);
      const base = JSON.parse(good) as { [name: string]: unknown };
      const tried = placesOf(schema ?? {}).flatMap((place) => oddities.map((value) => ({ place, value })));
      await inParallel(tried, async ({ place, value }) => {
        const changed = put(base, place, value);
        const answer = await send(method, sample, {
          body: JSON.stringify(changed),
          ...(bearer === undefined ? {} : { bearer }),
        });
        const facts = { place: place.join('.'), value: JSON.stringify(value).slice(0, 80), text: answer.text };
        const is_away = isAway(answer);
        if (!is_away) expect({ ...facts, ok: answer.status < 500 }).toEqual({ ...facts, ok: true });
        if (!fits(changed)) expect({ ...facts, refused: answer.status >= 400 }).toEqual({ ...facts, refused: true });
        if (answer.status >= 400 && !is_away) expectRefusal(answer, sample);
      });
    }, 60_000);
  });

  describe('paths and queries', () => {
    const odd = [
      '%00',
      '%ff%fe',
      '..%2f..%2fowner.key',
      '%2e%2e',
      'caf%C3%A9',
      'a%0d%0ab',
      '%F0%9F%98%80',
      '%zz',
      '%20',
    ];
    const named = routes.filter(
      ({ path, method, body }) => path.includes('{') && (body === undefined || method !== 'GET'),
    );

    test.each(named)('$route refuses names that are none', async ({ method, path, access, route }) => {
      const body = bodies[route];
      const tried = [...odd, 'a'.repeat(513), 'a'.repeat(4_000)];
      await inParallel(tried, async (name) => {
        const answer = await send(method, path.replaceAll(/\{[a-z_]+\+?\}/g, name), {
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          ...(access === 'run-token' ? { bearer: 'no-such-run-token' } : {}),
        });
        // Dots are the folder above, encoded or not: what they lead to may be a page that everybody may see.
        const isRoot = new URL(path.replaceAll(/\{[a-z_]+\+?\}/g, name), 'http://node').pathname === '/';
        if (!isAway(answer) && !isRoot) expectRefusal(answer, path);
        expect(answer.text).not.toMatch(/SQLITE|ENOENT|node:|at .*\.ts/);
      });
    });

    test.each(routes)('$route refuses a query that it does not know, and its own twice', async (endpoint) => {
      const { method, sample, access, body, route, query } = endpoint;
      const ask = (search: string) =>
        send(method, `${sample}?${search}`, {
          ...(body === undefined ? {} : { body: JSON.stringify(bodies[route] ?? {}) }),
          ...(access === 'run-token' ? { bearer: 'no-such-run-token' } : {}),
        });
      for (const search of ['no_such=1', '__proto__=1', '%ff=1', 'a[]=1']) {
        expectRefusal(await ask(search), sample, { status: 400 });
      }
      for (const name of Object.keys(query?.shape ?? {})) {
        expectRefusal(await ask(`${name}=1&${name}=1`), sample, { status: 400 });
        for (const value of ['%00', 'NaN', '-1', '1e999', '0x1f', '1.5', '%ff', '9'.repeat(400), '']) {
          const answer = await ask(`${name}=${value}`);
          expect({ name, value, ok: answer.status < 500 }).toEqual({ name, value, ok: true });
        }
      }
    });

    test('there is nothing above the root, and nothing is served from the disk', async () => {
      for (const path of [
        '/../owner.key',
        '/%2e%2e/owner.key',
        '/..%2fowner.key',
        '//etc/passwd',
        '/.git/config',
        '/v1/',
      ]) {
        expectRefusal(await send('GET', path, {}), path, { status: 404 });
      }
    });
  });

  describe('who may', () => {
    test.each(guarded)(
      '$route is 401 without a key and with a wrong one',
      async ({ method, sample, route, access }) => {
        const body = bodies[route] === undefined ? {} : { body: JSON.stringify(bodies[route]) };
        const wrong = access === 'run-token' ? node.owner_key : `sg_${'0'.repeat(32)}_${'A'.repeat(43)}`;
        for (const bearer of ['', wrong]) {
          const answer = await whenAllowed(() => send(method, sample, { ...body, bearer }));
          expectRefusal(answer, sample, { status: 401, code: 'invalid_api_key' });
          expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
        }
      },
    );

    test('every route is 403 for a key with every other scope', async () => {
      const byScope = new Map<string, string>();
      for (const { access, method, sample, route } of guarded.filter(({ access: one }) => one !== 'run-token')) {
        const key = byScope.get(access) ?? (await keyWithout(access));
        byScope.set(access, key);
        const body = bodies[route] === undefined ? {} : { body: JSON.stringify(bodies[route]) };
        const answer = await send(method, sample, { ...body, bearer: key });
        const refusal = expectRefusal(answer, sample, { status: 403, code: 'policy_denied' });
        expect({ route, detail: refusal.detail }).toEqual({ route, detail: expect.stringContaining(access) });
      }
    });

    /** Every route asks twice from one address, more than a stranger may in a second. */
    async function whenAllowed(ask: () => Promise<Answer>): Promise<Answer> {
      for (;;) {
        const answer = await ask();
        if (answer.status !== 429) return answer;
        await new Promise((resolve) => setTimeout(resolve, Number(answer.headers['retry-after']) * 1000));
      }
    }

    async function keyWithout(scope: string): Promise<string> {
      const body = JSON.stringify({ label: 'one short', scopes: scopes.filter((one) => one !== scope) });
      const made = await send('POST', '/api/v1/api-keys', { body, bearer: node.owner_key });
      return (JSON.parse(made.text) as { token: string }).token;
    }
  });

  test('after all of it the node is well, and said nothing of ours', async () => {
    expect(JSON.parse((await send('GET', '/api/v1/health', {})).text)).toMatchObject({ status: 'healthy' });
    expect(node.output()).not.toContain('"code":"internal"');
    expect(node.output()).not.toContain(node.owner_key);
  });
}

/** One of each kind of value, and the edges where numbers, texts and collections go wrong. */
const oddities: readonly unknown[] = [
  null,
  true,
  '',
  'x',
  '\u0000',
  '../../etc/passwd',
  '\u202e😀é',
  'NaN',
  'a'.repeat(5_000),
  0,
  -1,
  1.5,
  1e21,
  -1e308,
  Number.MAX_SAFE_INTEGER,
  [],
  [null],
  [[]],
  ['x', 1],
  {},
  { a: { a: { a: {} } } },
  JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{}}}'),
];

type Place = readonly (string | number)[];

/** Every place of a body that its schema names, three levels deep. */
function placesOf(schema: Schema, at: Place = []): readonly Place[] {
  if (at.length > 3) return [];
  const inside = [
    ...Object.entries(schema.properties ?? {}).map(([name, part]) => [[...at, name], part] as const),
    ...(schema.items === undefined ? [] : [[[...at, 0], schema.items] as const]),
  ];
  return [
    ...inside.flatMap(([place, part]) => [place, ...placesOf(part, place)]),
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].slice(0, 2).flatMap((part) => placesOf(part, at)),
  ];
}

/** `base` with `value` at `place`; what the way needs and is not there is made. */
function put(base: unknown, [step, ...rest]: Place, value: unknown): unknown {
  if (step === undefined) return value;
  if (typeof step === 'number') {
    const list = Array.isArray(base) ? [...(base as unknown[])] : [];
    list[step] = put(list[step], rest, value);
    return list;
  }
  const object = typeof base === 'object' && base !== null && !Array.isArray(base) ? base : {};
  return { ...object, [step]: put((object as { [name: string]: unknown })[step], rest, value) };
}

/** What this host says of a part that it has not, or not yet: the truth, and no refusal of the request. */
function isAway({ status, text }: Answer): boolean {
  if (status === 501) return text.includes('"not_built"');
  return status === 503 && /"(capability|gate)_unavailable"/.test(text);
}

interface Expected {
  readonly status: number;
  readonly code: string;
}

/** A refusal is a 4xx with a code of the registry, in the form of its surface. */
function expectRefusal(
  { status, text, headers }: Answer,
  path: string,
  expected: Partial<Expected> = {},
): { detail: string; reason: string | undefined } {
  expect({ path, status, text }).toEqual({ path, status: expected.status ?? expect.any(Number), text });
  expect({ path, text, isClientError: status >= 400 && status < 500 }).toEqual({ path, text, isClientError: true });
  const body = JSON.parse(text) as { [name: string]: unknown };
  const openai = path === '/v1' || path.startsWith('/v1/');
  const error = (openai ? body['error'] : body) as { code: string; reason?: string; detail?: string; message?: string };
  expect(headers['content-type']).toBe(openai ? 'application/json' : 'application/problem+json');
  expect(openai ? error : body).toMatchObject(
    openai
      ? { message: expect.any(String), type: expect.any(String), code: expect.any(String) }
      : { type: `urn:signet:problem:${error.code}`, status, title: expect.any(String), request_id: expect.any(String) },
  );
  expect(codes).toContain(error.code);
  if (expected.code !== undefined) expect(error.code).toBe(expected.code);
  return { detail: error.detail ?? error.message ?? '', reason: error.reason };
}

interface Sent {
  readonly body: string | Uint8Array;
  readonly bearer: string;
  readonly type: string;
  readonly encoding: string;
  readonly chunked: boolean;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
}

let turn = 0;

/** `fetch` would mend paths and headers on the way; this sends what it is told. */
function send(method: string, path: string, sent: Partial<Sent>): Promise<Answer> {
  const bearer = sent.bearer ?? keys[turn++ % Math.max(1, keys.length)];
  const { body, type = 'application/json', encoding } = sent;
  const length = body === undefined ? 0 : Buffer.byteLength(body);
  const headers: { [name: string]: string | number } = {
    ...(bearer === undefined || bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
    ...(body === undefined || type === '' ? {} : { 'content-type': type }),
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    ...(body === undefined || sent.chunked === true ? {} : { 'content-length': length }),
    ...(sent.chunked === true ? { 'transfer-encoding': 'chunked' } : {}),
  };
  const { hostname, port, pathname } = new URL(node.url);
  const prefix = pathname === '/' ? '' : pathname;
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path: `${prefix}${path}`, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** A body of exactly so many bytes that no route takes. */
function filled(bytes: number): string {
  const [start, end] = ['{"no_such_field":"', '"}'];
  return `${start}${'a'.repeat(bytes - start.length - end.length)}${end}`;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}
