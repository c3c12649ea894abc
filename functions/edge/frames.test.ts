import { expect, describe, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import schema from '@signet/shared/schemas/run-script.json' with { type: 'json' };
import { SignetError } from '../domain/errors.ts';
import { completionWithout, type ReplyFrame } from '../domain/ports/script-host.ts';
import type { EngineAnswer } from '../domain/runs/answer-engine.ts';
import { makeApp } from './make-app.ts';
import { frameBody } from './routes/frames.ts';
import { recordedServices } from './testing/recorded-services.ts';

const token = 'srt~default~1~token';
const path = '/internal/runs/run-1/frames';

/** The route over a domain that answers as it is told, and what reached it. */
function open(answer: () => Promise<EngineAnswer>, limits = {}) {
  const services = recordedServices({ limits: { stranger_per_s: 1e9, stranger_burst: 1e9, ...limits } });
  const asked: unknown[] = [];
  const app = makeApp({
    ...services,
    runs: {
      ...services.runs,
      answerEngine: (request) => {
        asked.push(request);
        return answer();
      },
    },
  });
  const post = (body: object | string, bearer = token) =>
    Promise.resolve(
      app.request(path, {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    );
  return { post, asked };
}

const completion = { ...completionWithout({ state: 'succeeded', exit_code: 0 }), result: [1] };
const frames = [
  { kind: 'start', engine: 'e'.repeat(16) },
  { kind: 'call', seq: 1, method: 'web.search', args: { query: 'q' } },
  { kind: 'watch', output: [{ kind: 'stdout', text: 'a', at: 0 }] },
  { kind: 'completion', completion },
  { kind: 'completion', completion: { ...completion, error: { type: 'E', message: 'm', line: 1 } }, output: [] },
];

describe('a frame', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(schema);
  const fits = ajv.compile({ $ref: `${schema.$id}#/$defs/frame` });

  test.each(frames)('%j is what the shared schema says', async (frame) => {
    expect({ fits: fits(frame), errors: fits.errors }).toEqual({ fits: true, errors: null });
    const { post, asked } = open(() => Promise.resolve({ kind: 'done' }));
    expect((await post(frame)).status).toBe(204);
    const { output = [], ...rest } = frame as { output?: object[] };
    expect(asked).toEqual([{ run_id: 'run-1', token, frame: rest, output }]);
  });

  test.each([
    ['no kind', {}],
    ['an unknown kind', { kind: 'stop' }],
    ['a token in the body', { kind: 'watch', token }],
    ['an engine that is too short', { kind: 'start', engine: 'short' }],
    ['a call without arguments', { kind: 'call', seq: 1, method: 'x' }],
    ['arguments that are a list', { kind: 'call', seq: 1, method: 'x', args: [] }],
    ['a sequence number of 0', { kind: 'call', seq: 0, method: 'x', args: {} }],
    ['output without its place', { kind: 'watch', output: [{ kind: 'stdout', text: 'a' }] }],
    ['output before the start', { kind: 'watch', output: [{ kind: 'stdout', text: 'a', at: -1 }] }],
    ['output of a third stream', { kind: 'watch', output: [{ kind: 'token', text: 'a', at: 0 }] }],
    ['a state that is none', { kind: 'completion', completion: { ...completion, state: 'running' } }],
    ['an exit code that is none', { kind: 'completion', completion: { ...completion, exit_code: 256 } }],
    [
      'a negative time',
      { kind: 'completion', completion: { ...completion, timings: { instantiate_ms: -1, run_ms: 1 } } },
    ],
    ['an image that is a book', { kind: 'completion', completion: { ...completion, image: 'i'.repeat(129) } }],
    ['an unknown member', { kind: 'completion', completion: { ...completion, receipt: 'mine' } }],
  ])('with %s is refused by both', async (_what, frame) => {
    expect(fits(frame)).toBe(false);
    expect(frameBody.safeParse(frame).success).toBe(false);
    const { post, asked } = open(() => Promise.resolve({ kind: 'done' }));
    const refused = await post(frame);
    expect(refused.status).toBe(400);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(asked).toEqual([]);
  });

  test('takes the values of a script as the sandbox of this machine does', async () => {
    const { post, asked } = open(() => Promise.resolve({ kind: 'done' }));
    const text = JSON.stringify({ kind: 'completion', completion: { ...completion, result: 'R', stdout: '\uffff' } });
    const result = `{"a":1,"a":2,"n":9007199254740993,"deep":${'['.repeat(1000)}${']'.repeat(1000)}}`;
    expect((await post(text.replace('"R"', result))).status).toBe(204);
    expect(asked).toMatchObject([{ frame: { completion: { result: { a: 2 }, stdout: '\uffff' } } }]);
    const deeper = text.replace('"R"', `${'['.repeat(2000)}${']'.repeat(2000)}`);
    expect(await (await post(deeper)).json()).toMatchObject({ code: 'invalid_json', reason: 'json.depth' });
  });

  test('has output that is text', async () => {
    const { post, asked } = open(() => Promise.resolve({ kind: 'watch', cancelled: false }));
    await post('{"kind":"watch","output":[{"kind":"stdout","text":"a\\ud800","at":0}]}');
    expect(asked).toMatchObject([{ output: [{ text: 'a\ufffd' }] }]);
  });
});

describe('the answer', () => {
  test('to a watch and a start is theirs', async () => {
    const watched = open(() => Promise.resolve({ kind: 'watch', cancelled: true }));
    const answer = await watched.post({ kind: 'watch' });
    expect([answer.status, await answer.json()]).toEqual([200, { cancelled: true }]);
    const start = { run_id: 'run-1', script: '1' } as unknown as Extract<EngineAnswer, { kind: 'start' }>['start'];
    const started = open(() => Promise.resolve({ kind: 'start', start }));
    expect(await (await started.post({ kind: 'start', engine: 'e'.repeat(16) })).json()).toEqual(start);
  });

  test('to a call that takes long begins with white space, and is JSON all the same', async () => {
    const { promise, resolve } = Promise.withResolvers<ReplyFrame>();
    const { post } = open(() => Promise.resolve({ kind: 'reply', reply: promise }), { frame_beat_ms: 5 });
    const answer = await post({ kind: 'call', seq: 1, method: 'llm.chat', args: {} });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    const reader = answer.body?.getReader();
    let text = '';
    for (let beats = 0; beats < 2; beats += 1) text += new TextDecoder().decode((await reader?.read())?.value);
    expect(text).toBe('  ');
    resolve({ kind: 'value', value: { text: 'é' } });
    for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
      text += new TextDecoder().decode(next.value);
    }
    expect(JSON.parse(text)).toEqual({ kind: 'value', value: { text: 'é' } });
  });

  test.each([
    ['invalid_api_key', 401],
    ['replay', 409],
    ['run_over', 410],
    ['write_conflict', 429],
  ] as const)('%s is %i, as a problem', async (code, status) => {
    const { post } = open(() => Promise.reject(new SignetError({ code, detail: 'no' })));
    const answer = await post({ kind: 'watch' });
    expect([answer.status, await answer.json()]).toMatchObject([status, { type: `urn:signet:problem:${code}`, code }]);
  });

  test('to tokens that are tried out becomes 429', async () => {
    const refuse = () => Promise.reject(new SignetError({ code: 'invalid_api_key', detail: 'no' }));
    const { post } = open(refuse, { stranger_per_s: 0.001, stranger_burst: 2 });
    const statuses = [];
    for (let tried = 0; tried < 3; tried += 1) statuses.push((await post({ kind: 'watch' })).status);
    expect(statuses).toEqual([401, 401, 429]);
  });
});
