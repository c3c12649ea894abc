import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { makeApp } from './make-app.ts';
import type { ExampleRequest } from './testing/example-requests.ts';
import { examples } from './testing/example-requests.ts';
import { ownerToken, recordedServices } from './testing/recorded-services.ts';

const app = makeApp(recordedServices());

/** What is sent here may be refused in many ways, but it is never our fault, and always in one of two forms. */
async function expectClientError(answer: Response, path: string): Promise<void> {
  const text = await answer.text();
  expect({ status: answer.status, text }).toEqual({ status: expect.any(Number), text });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  const body = JSON.parse(text) as { code?: string; error?: { code?: string } };
  expect(path.startsWith('/v1/') ? body.error?.code : body.code).toMatch(/^[a-z_]+$/);
}

function send(
  { method, path }: Pick<ExampleRequest, 'method' | 'path'>,
  body?: string | Uint8Array,
  type = 'application/json',
) {
  return Promise.resolve(
    app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${method === 'POST' && takesRunToken(path) ? 'run-token' : ownerToken}`,
        ...(body === undefined ? {} : { 'content-type': type, 'content-length': `${Buffer.byteLength(body)}` }),
      },
      ...(body === undefined ? {} : { body: body as string }),
    }),
  );
}

function takesRunToken(path: string): boolean {
  return path.includes('/calls') || path.includes('/frames');
}

const withBody = examples.filter(({ endpoint }) => endpoint.body !== undefined && !(501 in endpoint.answers));

describe.each(withBody)('$route', (example) => {
  const good = example.body ?? '{}';
  const caps = {
    chat: 4,
    embeddings: 2,
    runs: 1,
    frames: 4,
    witness: 4,
    vectors_put: 5,
    envelopes: 0.4,
    verify_batch: 1,
    other: 0.25,
  };
  const cap = caps[example.endpoint.body?.class ?? 'other'];

  test.each([
    ['broken JSON', '{"a":'],
    ['two values', `${good}${good}`],
    ['a byte order mark', `\ufeff${good}`],
    ['an array', '[]'],
    ['a string', '"x"'],
    ['null', 'null'],
    ['a number', '1e400'],
    ['nesting of 100,000', '['.repeat(100_000)],
    ['nesting of 100,000 objects', '{"a":'.repeat(20_000)],
    ['a name twice', `{"x":1,"x":2}`],
    ['an unknown field', JSON.stringify({ ...(JSON.parse(good) as object), no_such_field: 1 })],
    ['__proto__', good.replace('{', '{"__proto__":{"admin":true},').replace(',}', '}')],
    ['a NUL in a name', '{"\\u0000":1}'],
    ['a lone surrogate', '{"model":"\\ud800"}'],
  ])('refuses %s', async (_, body) => {
    await expectClientError(await send(example, body), example.path);
  });

  test('refuses bytes that are not UTF-8', async () => {
    await expectClientError(
      await send(example, new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
      example.path,
    );
  });

  test('refuses another media type with 415', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', '']) {
      expect((await send(example, good, type)).status).toBe(415);
    }
  });

  test('refuses a body over its cap with 413, declared or not', async () => {
    const large = `{"x":"${'a'.repeat(cap * 1024 * 1024)}"}`;
    expect((await send(example, large)).status).toBe(413);
    const unsaid = await app.request(example.path, {
      method: example.method,
      headers: {
        authorization: `Bearer ${takesRunToken(example.path) ? 'run-token' : ownerToken}`,
        'content-type': 'application/json',
        'transfer-encoding': 'chunked',
      },
      body: large,
    });
    expect(unsaid.status).toBe(413);
  });

  test('names the unknown field', async () => {
    const body = JSON.stringify({ ...(JSON.parse(good) as object), no_such_field: 1 });
    expect(await (await send(example, body)).text()).toContain('no_such_field');
  });

  test('answers any value in any field with its answer or a 4xx', async () => {
    const fields = Object.keys(JSON.parse(good) as object);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('', ...fields), fc.jsonValue(), async (field, value) => {
        const body = field === '' ? value : { ...(JSON.parse(good) as object), [field]: value };
        const answer = await send(example, JSON.stringify(body));
        await answer.body?.cancel();
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 60 },
    );
  });

  test('answers arbitrary bytes with a 4xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        const answer = await send(example, bytes);
        await answer.body?.cancel();
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 30 },
    );
  });
});

const withParams = examples.filter(({ endpoint }) => endpoint.params !== undefined);

describe.each(withParams)('$route', (example) => {
  test('answers hostile names in the path with a 4xx or its own 501', async () => {
    const hostile = fc.oneof(
      fc.string({ minLength: 1, unit: 'binary' }),
      fc.constantFrom(
        '%00',
        '%2e%2e',
        '%2F',
        '%E0%A4%A',
        '%',
        '%ff',
        '..%2f..',
        'a'.repeat(5000),
        '__proto__',
        'a__b',
        '#',
        '%23',
        '%0d%0a',
      ),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (name) => {
        const encoded = name.startsWith('%') || name.includes('%2') ? name : encodeURIComponent(name.toWellFormed());
        const path = example.endpoint.path.replace(/\{[a-z_]+\+?\}/, encoded);
        const answer = await send({ method: example.method, path }, example.body);
        await answer.body?.cancel();
        expect(answer.status === 501 || answer.status < 500).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('refuses an unknown query parameter by name', async () => {
    if (501 in example.endpoint.answers) return;
    const answer = await send({ method: example.method, path: `${example.path}?no_such=1` }, example.body);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('no_such');
  });
});

test('answers hostile headers with a 4xx or as if they were not there', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('authorization', 'x-request-id', 'idempotency-key', 'accept', 'last-event-id', 'content-length'),
      fc.string({ maxLength: 300 }).filter((text) => /^[\x20-\x7e]*$/.test(text)),
      async (name, value) => {
        const answer = await app.request('/v1/chat/completions', {
          method: 'POST',
          headers: { authorization: `Bearer ${ownerToken}`, 'content-type': 'application/json', [name]: value },
          body: '{"model":"auto","messages":[{"role":"user","content":"x"}]}',
        });
        await answer.body?.cancel();
        expect(answer.status).toBeLessThan(500);
      },
    ),
  );
});
