import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../functions/domain/json.ts';
import { openStage } from './open-stage.ts';
import type { OpenedStage } from './open-stage.ts';

// Each event of `events/` through the Rust function that it is for, as it is deployed.

const folder = join(import.meta.dirname, '../../../events');
let stage: OpenedStage;

beforeAll(async () => {
  stage = await openStage({ emulator_url: process.env['SIGNET_EMULATOR_URL'] ?? '' });
}, 60_000);

afterAll(() => stage.stop());

const base64 = expect.stringMatching(/^[A-Za-z0-9+/]+={0,2}$/) as unknown as string;

/** What must come out: a reply that has these members, or an error of this type. */
const outcomes: { readonly [name: string]: { readonly [event: string]: JsonObject | { readonly fails: string } } } = {
  'embed-text': {
    describe: { models: expect.arrayContaining([expect.objectContaining({ dimension: 384 })]) as never },
    'two-texts': { ok: true, dimension: 384, truncated: [], vectors: base64 },
    'empty-text': { ok: false, index: 1 },
    'too-long': { ok: false, index: 1 },
    'invalid-input-type': { fails: 'InvalidRequest' },
  },
  'score-vectors': {
    cosine: { rows: [2, 4, 1], scores: base64 },
    'more-than-there-are': { rows: [2, 4, 1, 0, 3], scores: base64 },
    'not-finite': { ok: false, code: 'non_finite', index: 2, facts: { in: 'rows' } },
    'invalid-dimension': { fails: 'InvalidRequest' },
  },
  'sign-envelope': {
    digest: { frame: base64 },
    'open-envelopes': { frame: base64 },
    'public-key': { key_id: expect.stringMatching(/^z6Mk/) as never, public_key: base64 },
    'seal-delegation': { ok: true, entry: base64, id: expect.stringMatching(/^[0-9a-f]{64}$/) as never },
    'seal-decision-refused': { ok: false, code: 'key.role' },
    'checkpoint-not-committed': { ok: false, code: 'log.rollback' },
    'invalid-private-key-operation': { fails: 'InvalidRequest' },
  },
};

test('something is said of every event', () => {
  for (const [name, events] of Object.entries(outcomes)) {
    const files = readdirSync(join(folder, name)).map((file) => file.replace(/\.json$/, ''));
    expect([name, Object.keys(events).toSorted()]).toEqual([name, files.toSorted()]);
  }
});

describe.each(Object.keys(outcomes))('%s', (name) => {
  test.each(Object.entries(outcomes[name] ?? {}))('%s', async (event, expected) => {
    const text = readFileSync(join(folder, name, `${event}.json`), 'utf8');
    const answer = await stage.server.invoke(name, JSON.parse(text) as object);
    const body = JSON.parse(answer.body.toString()) as JsonObject;
    if ('fails' in expected) expect([answer.kind, body['errorType']]).toEqual(['error', expected['fails']]);
    else expect(body).toMatchObject(expected);
  });
});
