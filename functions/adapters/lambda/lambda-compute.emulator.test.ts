import { afterAll, describe, expect, test } from '@jest/globals';
import { failBy, seededPlan } from '../../../tests/integration/emulator/failing-client.ts';
import { startRustFunctions } from '../../../tests/integration/lambda/rust-functions.ts';
import { describeDigest } from '../../domain/ports/compute-digest.contract.ts';
import { describeKeys } from '../../domain/ports/compute-keys.contract.ts';
import { describeLedger } from '../../domain/ports/compute-ledger.contract.ts';
import { describeScore } from '../../domain/ports/compute-score.contract.ts';
import { describeVerify } from '../../domain/ports/compute-verify.contract.ts';
import { openWasmCompute } from '../wasm/wasm-compute.ts';
import { lambdaProof } from './lambda-proof.ts';
import { lambdaScore } from './lambda-score.ts';

const running = startRustFunctions(['sign-envelope', 'score-vectors'], {
  // Verifying and digesting asks no key.
  SIGNET_KMS_ISSUER: 'arn:aws:kms:us-east-1:000000000000:key/none',
});
afterAll(async () => (await running).stop());

async function openCompute() {
  const { invoke } = await running;
  return {
    ...lambdaProof({ invoke, function_name: 'sign-envelope' }),
    score: lambdaScore({ invoke, function_name: 'score-vectors' }),
  };
}

describe('compute on Lambda that throttles, breaks and loses answers', () => {
  const opened = openCompute();
  void running.then(({ client }) => failBy(client, seededPlan({ one_in: 6 })));
  describeVerify(opened);
  describeLedger(opened, 61);
  describeKeys(opened, 601);
  describeDigest(opened);
  describeScore(opened);
});

test('items beyond one payload are digested in several calls, each in its place', async () => {
  const { server } = await running;
  const before = server.reports('sign-envelope').flatMap(({ invocations }) => invocations).length;
  const { digest } = await openCompute();
  const { digest: twin } = await openWasmCompute();
  const items = Array.from({ length: 40 }, (_, index) => new Uint8Array(300_000 + index).fill(index));
  expect(await digest.digest(items)).toEqual(await twin.digest(items));
  const calls = server.reports('sign-envelope').flatMap(({ invocations }) => invocations).length - before;
  expect(calls).toBeGreaterThanOrEqual(3);
  expect(await digest.digest([])).toEqual([]);
});

test('rows beyond one payload give the hits of one call', async () => {
  const { score } = await openCompute();
  const { score: twin } = await openWasmCompute();
  const rows = Float32Array.from({ length: 64 * 60_000 }, (_, index) => ((index * 7919) % 13) - 6);
  const query = Float32Array.from({ length: 64 }, (_, index) => (index % 5) - 2);
  const request = { metric: 'dot_product' as const, dimension: 64, query, rows, k: 1000 };
  expect(await score.topK(request)).toEqual(await twin.topK(request));
});

test('a process that is killed while it works is replaced, and the work done', async () => {
  const { server } = await running;
  const { digest } = await openCompute();
  server.inject('sign-envelope', 'killed', 'throttled', 'unavailable');
  const [first] = await digest.digest([new Uint8Array(3)]);
  expect(first?.sha256).toBe('709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c');
});

test('what is no request is an error that shows nothing of it', async () => {
  const { invoke, server } = await running;
  for (const payload of [
    {},
    { operation: 'sign' },
    { operation: 'digest', frame: 'ÿÿ' },
    { operation: 'digest', frame: 'AQAA' },
  ]) {
    const failed = invoke({ function_name: 'sign-envelope', payload, timeout_ms: 5000 });
    await expect(failed).rejects.toMatchObject({ name: 'FunctionFailedError' });
  }
  const rows = { metric: 'cosine', dimension: 3, k: 1, query: 'AAAA', rows: '' };
  await expect(invoke({ function_name: 'score-vectors', payload: rows, timeout_ms: 5000 })).rejects.toMatchObject({
    name: 'FunctionFailedError',
  });
  expect(server.logs('score-vectors')).not.toContain('AAAA');
});
