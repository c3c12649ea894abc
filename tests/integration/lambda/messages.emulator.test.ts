import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../functions/domain/json.ts';
import { openStage } from './open-stage.ts';
import type { OpenedStage } from './open-stage.ts';

// Messages at serve-api: made by a session key in the function, admitted once by a row in DynamoDB.

let stage: OpenedStage;
beforeAll(async () => {
  stage = await openStage({ emulator_url: process.env['SIGNET_EMULATOR_URL'] ?? '' });
}, 60_000);
afterAll(() => stage.stop());

async function send(path: string, body: object) {
  const answer = await fetch(`${stage.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stage.owner_token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as JsonObject, headers: answer.headers };
}

test('of three copies that arrive at once exactly one is admitted, and the others are told of it', async () => {
  const made = await send('/api/v1/pci/envelope/create', { payload: { order: 7 } });
  expect(made.status).toBe(201);
  const { envelope, id } = made.body;
  const judged = await send('/api/v1/pci/envelope/verify', { envelope: envelope ?? null });
  expect(judged).toMatchObject({ status: 200, body: { valid: true, id } });
  const copies = await Promise.all(
    Array.from({ length: 3 }, () => send('/api/v1/pci/envelope/verify', { envelope: envelope ?? null, consume: true })),
  );
  const admitted = copies.filter(({ status }) => status === 200);
  expect(admitted).toHaveLength(1);
  const first_verdict = admitted[0]?.headers.get('signet-receipt');
  for (const { status, body } of copies.filter((copy) => copy !== admitted[0])) {
    expect({ status, reason: body['reason'], first: body['first_verdict'] }).toEqual({
      status: 409,
      reason: 'replay.seen',
      first: first_verdict,
    });
  }
}, 60_000);

test('content that does not fit is an object, and the envelope verifies', async () => {
  const { status, body } = await send('/api/v1/pci/envelope/create', { payload: 'x'.repeat(100_000) });
  expect(status).toBe(201);
  expect(body['content_ref']).toBe(body['content_hash']);
  const judged = await send('/api/v1/pci/envelope/verify', { envelope: body['envelope'] ?? null });
  expect(judged.body).toMatchObject({ valid: true });
});

test('identities of callers are not kept there, and that is what is said', async () => {
  const made = await send('/api/v1/identity/generate', { purpose: 'agent' });
  expect(made).toMatchObject({ status: 501, body: { code: 'not_built', reason: 'feature.off' } });
  expect(await send('/api/v1/identity/sign', { message: 'x' })).toMatchObject({
    status: 404,
    body: { code: 'identity_not_found' },
  });
});
