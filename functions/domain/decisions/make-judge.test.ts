import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { allowAll, openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { readContent } from '../content/read-content.ts';
import { SignetError, type ErrorCode } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { CapabilityUnavailableError } from '../ports/compute.ts';
import { ObjectsUnavailableError } from '../ports/objects.ts';
import { TableUnavailableError } from '../ports/table.ts';
import type { Facts, PolicyAnswer, PolicyEngine } from '../ports/policy-engine.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { makeJudge } from './make-judge.ts';
import type { Judgement } from './judge.ts';

let node: TestNode;
beforeAll(async () => {
  node = await openTestNode();
});
afterAll(() => node.close());

const judgement: Judgement = {
  action: 'chat',
  resource: { type: 'Model', id: 'signet/edge-1' },
  facts: { stream: false },
  request: { text: 'hello' },
};

test('an allowed decision is one statement with what was asked, answered and used', async () => {
  const call = testCall();
  const judged = await node.judge.decide(call, judgement, async () => ({
    value: 42,
    outcome: { usage: { in: 3, out: 1 }, finish: 'stop', response: { text: 'hi' }, parents: ['f'.repeat(64)] },
  }));
  expect(judged.value).toBe(42);
  const statement = await statementOf(judged.receipt);
  expect(statement).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'urn:signet:decision:v1',
    subject: [{ name: 'request' }, { name: 'response' }],
    predicate: {
      v: 1,
      iss: node.identity.node_id,
      con: node.identity.con,
      req: call.request_id,
      n: 0,
      principal: { kind: 'key', id: 'key-1', tenant: 'default' },
      action: 'chat',
      resource: { type: 'Model', id: 'signet/edge-1' },
      effect: 'allow',
      code: 'ok',
      policies: ['test'],
      facts: { stream: false, depth: 0 },
      usage: { in: 3, out: 1 },
      finish: 'stop',
      parents: ['f'.repeat(64)],
    },
  });
});

test('the contents are kept as salted records under the digests that are signed', async () => {
  const { receipt } = await node.judge.decide(testCall(), judgement, async () => ({ value: null, outcome: {} }));
  const [subject] = (await statementOf(receipt))['subject'] as readonly {
    digest: { sha256: string; blake3: string };
  }[];
  const record = await readContent(node, { tenant: 'default', sha256: subject?.digest.sha256 ?? '' });
  expect(JSON.parse(new TextDecoder().decode(record))).toEqual({
    content: { text: 'hello' },
    salt: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(await node.compute.digest.digest([record ?? new Uint8Array()])).toEqual([subject?.digest]);
});

test('a denial is refused with a receipt and the work is not done', async () => {
  const denying: PolicyEngine = { ...allowAll, decide: () => ({ effect: 'deny', policies: ['no'], errors: ['x'] }) };
  const judge = makeJudge({ policy: denying, receipts: node.receipts, content: node.content });
  const work = async (): Promise<never> => {
    throw new Error('must not run');
  };
  const roads = [() => judge.decide(testCall(), judgement, work), () => judge.open(testCall(), judgement)];
  for (const take of roads) {
    const error = await take().then(
      () => undefined,
      (thrown: SignetError) => thrown,
    );
    expect(error).toMatchObject({ code: 'policy_denied', status: 403, public: { reason: 'gate.policy' } });
    expect(await statementOf(error?.receipt)).toMatchObject({
      predicate: { effect: 'deny', code: 'policy_denied', policies: ['no'], detail: { evaluation_errors: 1 } },
    });
  }
  expect(judge.permits(testCall(), judgement)).toBe(false);
  expect(node.judge.permits(testCall(), judgement)).toBe(true);
});

test.each<[ErrorCode, boolean]>([
  ['invalid_request', false],
  ['model_not_found', false],
  ['too_large', false],
  ['provider_rejected', true],
  ['write_conflict', true],
  ['collection_exists', true],
  ['provider_timeout', true],
  ['not_built', true],
])('%s leaves a receipt: %s', async (code, leaves) => {
  const failed = node.judge.decide(testCall(), judgement, async () => {
    throw new SignetError({ code, detail: 'as it happens', reason: 'some.reason' });
  });
  const error = await failed.then(
    () => undefined,
    (thrown: SignetError) => thrown,
  );
  expect(error?.code).toBe(code);
  expect(error?.receipt !== undefined).toBe(leaves);
  if (leaves) {
    expect(await statementOf(error?.receipt)).toMatchObject({
      subject: [{ name: 'request' }],
      predicate: { effect: 'allow', code, detail: { reason: 'some.reason' } },
    });
  }
});

test('what nobody foresaw is internal, links its cause and shows nothing of it', async () => {
  const cause = new Error('secret path /x');
  const error = await failureOf(() => Promise.reject(cause));
  expect(error).toMatchObject({ code: 'internal', cause });
  expect(error.public.detail).not.toContain('secret');
  expect(await statementOf(error.receipt)).toMatchObject({ predicate: { code: 'internal' } });
});

test.each([
  new TableUnavailableError({ operation: 'transact', retryable: true }),
  new ObjectsUnavailableError({ operation: 'put', retryable: true }),
])('a storage without room is 503, to be tried again: %s', async (cause) => {
  const error = await failureOf(() => Promise.reject(cause));
  expect(error).toMatchObject({ code: 'capability_unavailable', status: 503, cause, public: { retry_after_s: 1 } });
  expect(await statementOf(error.receipt)).toMatchObject({ predicate: { code: 'capability_unavailable' } });
});

test('a capability that is not ready is 503 with the time it takes', async () => {
  const state = { served_by: 'unavailable', reason: 'not built', step: 'building', ready_in_s: 40 } as const;
  const error = await failureOf(() => Promise.reject(new CapabilityUnavailableError('embed', state)));
  expect(error).toMatchObject({ code: 'capability_unavailable', status: 503, public: { retry_after_s: 40 } });
});

test('a client that is gone is client_closed, unless whoever aborted says why', async () => {
  const gone = new AbortController();
  const closed = await failureOf(() => {
    gone.abort();
    return Promise.reject(new DOMException('aborted', 'AbortError'));
  }, gone.signal);
  expect(closed.code).toBe('client_closed');
  expect(await statementOf(closed.receipt)).toMatchObject({ predicate: { code: 'client_closed' } });

  const late = new AbortController();
  const timeout = new SignetError({ code: 'run_timeout', detail: 'over 30 s' });
  late.abort(timeout);
  expect(await failureOf(() => Promise.reject(new Error('aborted')), late.signal)).toBe(timeout);
});

test('an open decision ends once, with the decision among the parents of its outcome', async () => {
  const call = testCall();
  const opened = await node.judge.open(call, judgement);
  const outcome = await opened.succeed({ finish: 'stop', response: 'bye', parents: ['e'.repeat(64)] });
  expect(await statementOf(outcome)).toMatchObject({
    subject: [{ name: 'response' }],
    predicate: { n: 1, req: call.request_id, finish: 'stop', parents: [opened.receipt, 'e'.repeat(64)] },
  });
  await expect(opened.succeed({})).rejects.toThrow('once');
  await expect(opened.fail(new Error('late'))).rejects.toThrow('once');

  const failing = await node.judge.open(testCall(), judgement);
  const failure = await failing.fail(new SignetError({ code: 'model_not_found', detail: 'gone meanwhile' }));
  expect(await statementOf(failure)).toMatchObject({
    subject: [{ name: 'policies' }],
    predicate: { code: 'model_not_found', parents: [failing.receipt] },
  });
});

test('what an open decision begins is begun before it is stored, and never when policy refuses', async () => {
  const order: string[] = [];
  const receipts: Receipts = {
    ...node.receipts,
    append: async (...given) => {
      order.push('append');
      return node.receipts.append(...given);
    },
  };
  const judge = makeJudge({ policy: allowAll, receipts, content: node.content });
  await judge.open(testCall(), judgement, () => order.push('begin'));
  expect(order).toEqual(['begin', 'append']);

  const denying: PolicyEngine = { ...allowAll, decide: () => ({ effect: 'deny', policies: [], errors: [] }) };
  const strict = makeJudge({ policy: denying, receipts, content: node.content });
  await expect(strict.open(testCall(), judgement, () => order.push('begin'))).rejects.toMatchObject({
    code: 'policy_denied',
  });
  expect(order).toEqual(['begin', 'append', 'append']);
});

test.each<[string, Json]>([
  ['a noncharacter', 'a\uFFFFb'],
  ['a lone surrogate', 'a\uD800b'],
  ['an integer beyond 2^53', 2 ** 60],
  ['minus zero', -0],
  ['deep nesting', nested(60)],
  ['much text', 'é'.repeat(300_000)],
])('%s in request, response, resource and facts does not keep a decision from its receipt', async (_what, value) => {
  const odd: Judgement = {
    action: 'chat',
    resource: { type: 'Model', id: typeof value === 'string' ? value : 'm' },
    facts: { odd: typeof value === 'string' || typeof value === 'number' ? value : 1 },
    request: value,
  };
  const { receipt } = await node.judge.decide(testCall(), odd, async () => ({
    value: null,
    outcome: { response: value, detail: { value } },
  }));
  const [subject] = (await statementOf(receipt))['subject'] as readonly { digest: { sha256: string } }[];
  const record = await readContent(node, { tenant: 'default', sha256: subject?.digest.sha256 ?? '' });
  const { content, content_base64 } = JSON.parse(new TextDecoder().decode(record)) as Record<string, Json>;
  const kept = content ?? JSON.parse(Buffer.from(content_base64 as string, 'base64').toString());
  expect(JSON.stringify(kept)).toBe(JSON.stringify(value));
});

test('the verdict of the gates stands in the statement: what came in, and what went out', async () => {
  const gates = {
    screen: async (policy: (facts: Facts) => PolicyAnswer) => {
      policy({ leaks: false });
      return { verdict: { result: 'passed' } };
    },
    verdict: () => ({ result: 'passed', bytes: 2 }),
  };
  const judged = { ...judgement, gates };
  const { receipt } = await node.judge.decide(testCall(), judged, async () => ({ value: null, outcome: {} }));
  expect(await statementOf(receipt)).toMatchObject({
    predicate: { facts: { leaks: false }, verdict: { in: { result: 'passed' }, out: { result: 'passed', bytes: 2 } } },
  });

  const opened = await node.judge.open(testCall(), judged);
  expect((await statementOf(opened.receipt))['predicate']).toMatchObject({ verdict: { in: { result: 'passed' } } });
  const end = await statementOf(await opened.succeed({}));
  expect((end['predicate'] as JsonObject)['verdict']).toEqual({ out: { result: 'passed', bytes: 2 } });

  const failed = await node.judge
    .decide(testCall(), judged, () => Promise.reject(new SignetError({ code: 'provider_error', detail: 'down' })))
    .catch((error: SignetError) => error);
  expect(await statementOf((failed as SignetError).receipt)).toMatchObject({
    predicate: { code: 'provider_error', verdict: { in: {}, out: { bytes: 2 } } },
  });
});

test('what a gate refuses leaves a receipt with the verdict, and the work is not done', async () => {
  const refusal = (): SignetError => new SignetError({ code: 'gate_refused', reason: 'gate.leak', detail: 'a secret' });
  const gates = {
    screen: async () => ({ verdict: { result: 'refused', code: 'gate.leak' }, refusal: refusal() }),
    verdict: () => undefined,
  };
  const work = async (): Promise<never> => {
    throw new Error('must not run');
  };
  const judged = { ...judgement, gates };
  for (const take of [() => node.judge.decide(testCall(), judged, work), () => node.judge.open(testCall(), judged)]) {
    const error = await take().then(
      () => undefined,
      (thrown: SignetError) => thrown,
    );
    expect(error).toMatchObject({ code: 'gate_refused', status: 403 });
    expect(await statementOf(error?.receipt)).toMatchObject({
      predicate: {
        effect: 'deny',
        code: 'gate_refused',
        detail: { reason: 'gate.leak' },
        verdict: { in: { result: 'refused', code: 'gate.leak' } },
      },
    });
  }
});

test('a chain that leaves policy out does not leave it out', async () => {
  const denying: PolicyEngine = { ...allowAll, decide: () => ({ effect: 'deny', policies: ['no'], errors: [] }) };
  const judge = makeJudge({ policy: denying, receipts: node.receipts, content: node.content });
  const gates = { screen: async () => ({ verdict: { result: 'passed' } }), verdict: () => undefined };
  await expect(judge.open(testCall(), { ...judgement, gates })).rejects.toMatchObject({ code: 'policy_denied' });
});

async function failureOf(work: () => Promise<never>, signal?: AbortSignal): Promise<SignetError> {
  const call = testCall(signal === undefined ? {} : { signal });
  return node.judge.decide(call, judgement, work).then(
    () => {
      throw new Error('expected a failure');
    },
    (error: SignetError) => error,
  );
}

async function statementOf(receipt: string | undefined): Promise<JsonObject> {
  const stored = await node.receipts.get(receipt ?? '', 'default');
  const envelope = JSON.parse(Buffer.from(stored?.entry ?? '', 'base64').toString()) as { payload: string };
  return JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as JsonObject;
}

function nested(depth: number): Json {
  return depth === 0 ? 1 : [nested(depth - 1)];
}
