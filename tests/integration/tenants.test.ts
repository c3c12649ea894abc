import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readSettings } from '../../functions/assembly/read-settings.ts';
import { startNode, type StartedNode } from '../../functions/assembly/start-node.ts';
import type { ApiKeys } from '../../functions/domain/api-keys/api-keys.ts';
import type { OwnerKeys } from '../../functions/domain/api-keys/make-api-keys.ts';
import type { Json, JsonObject } from '../../functions/domain/json.ts';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

let home: string;
let node: StartedNode;
let ours: string;
let theirs: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-tenants-'));
  const environment = { SIGNET_HOME: home, SIGNET_PORT: '0', SIGNET_LOG: 'fatal' };
  const settings = await readSettings({ environment, overrides: {} });
  // Without native parts: what is asked here needs none.
  const build_folder = join(home, 'nothing-built');
  node = await startNode({ settings, environment, build_folder, repository, tell: () => undefined });
  const keys = node.node.services.apiKeys as ApiKeys & OwnerKeys;
  ours = (await keys.createOwner({ label: 'ours', tenant: 'acme' })).token;
  theirs = (await keys.createOwner({ label: 'theirs', tenant: 'acme.two' })).token;
}, 30_000);
afterAll(async () => {
  await node.stop();
  await rm(home, { recursive: true });
});

interface Answered {
  readonly status: number;
  readonly body: JsonObject;
  readonly receipt: string;
}

async function ask(token: string, method: string, path: string, body?: Json): Promise<Answered> {
  const answer = await fetch(`${node.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    body: text === '' ? {} : (JSON.parse(text) as JsonObject),
    receipt: answer.headers.get('signet-receipt') ?? '',
  };
}

const root = '/api/v1/vectors/collections';
const manifest = (description: string, digest: string) => ({
  description,
  parameters: { type: 'object', properties: {} },
  side_effects: 'compute',
  target: { kind: 'script', digest, tool: 't' },
});

describe('two tenants with the same names', () => {
  test('have collections of their own', async () => {
    for (const [token, values] of [
      [ours, [1, 0]],
      [theirs, [0, 1]],
    ] as const) {
      expect((await ask(token, 'POST', root, { name: 'notes', dimension: 2 })).status).toBe(201);
      const put = { vectors: [{ id: 'a', values: [...values] }] };
      expect((await ask(token, 'POST', `${root}/notes/put`, put)).status).toBe(200);
    }
    const found = await ask(ours, 'POST', `${root}/notes/query`, { values: [1, 0], k: 5, include: ['values'] });
    expect(found.body).toMatchObject({ hits: [{ id: 'a', values: [1, 0] }] });
    expect((await ask(ours, 'DELETE', `${root}/notes`)).status).toBe(204);
    expect((await ask(theirs, 'POST', `${root}/notes/get`, { ids: ['a'] })).body).toMatchObject({ missing: [] });
    expect((await ask(ours, 'GET', root)).body).toEqual({ collections: [] });
  });

  test('have scripts and tools of their own', async () => {
    for (const [token, name] of [
      [ours, 'ours'],
      [theirs, 'theirs'],
    ] as const) {
      const stored = await ask(token, 'PUT', '/api/v1/scripts/s', { source: `"${name}"` });
      const tool = manifest(name, textOf(stored.body['digest']));
      expect(await ask(token, 'PUT', '/api/v1/tools/t', tool)).toMatchObject({ status: 200 });
    }
    expect((await ask(ours, 'GET', '/api/v1/scripts/s')).body).toMatchObject({ source: '"ours"' });
    expect((await ask(ours, 'GET', '/api/v1/tools/t')).body).toMatchObject({ description: 'ours' });
    expect((await ask(ours, 'DELETE', '/api/v1/tools/t')).status).toBe(204);
    expect((await ask(theirs, 'GET', '/api/v1/tools/t')).body).toMatchObject({ description: 'theirs' });
  });

  test('see no key and no receipt of each other', async () => {
    const made = await ask(ours, 'POST', '/api/v1/api-keys', { label: 'k', scopes: ['models:read'] });
    const id = textOf(made.body['id']);
    expect((await ask(theirs, 'GET', `/api/v1/receipts/${made.receipt}`)).status).toBe(404);
    expect((await ask(theirs, 'DELETE', `/api/v1/api-keys/${id}`)).status).toBe(404);
    expect((await ask(theirs, 'POST', `/api/v1/api-keys/${id}/rotate`)).status).toBe(404);
    const { api_keys } = (await ask(theirs, 'GET', '/api/v1/api-keys')).body as unknown as { api_keys: JsonObject[] };
    expect(api_keys.map(({ label }) => label)).toEqual(['theirs']);
    const other = { label: 'k', scopes: ['models:read'], tenant: 'acme.two' };
    expect(await ask(ours, 'POST', '/api/v1/api-keys', other)).toMatchObject({ status: 403 });
  });

  test('share no idempotency key', async () => {
    const body = { label: 'same', scopes: ['models:read'] };
    const ids: unknown[] = [];
    for (const token of [ours, theirs]) {
      const answer = await fetch(`${node.url}/api/v1/api-keys`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'one' },
        body: JSON.stringify(body),
      });
      ids.push(((await answer.json()) as JsonObject)['id']);
    }
    expect(new Set(ids).size).toBe(2);
  });
});

describe('a key', () => {
  async function make(maker: string, request: JsonObject): Promise<Answered> {
    return ask(maker, 'POST', '/api/v1/api-keys', { label: 'k', ...request });
  }

  test('makes none beyond itself: no scope that it lacks, no later end', async () => {
    const expires_at = Math.floor(Date.now() / 1000) + 3600;
    const { body } = await make(ours, { scopes: ['keys:admin', 'embed'], expires_at });
    const maker = textOf(body['token']);
    expect(await make(maker, { scopes: ['chat'] })).toMatchObject({ status: 403, body: { code: 'policy_denied' } });
    expect(await make(maker, { scopes: ['embed'], expires_at: expires_at + 1 })).toMatchObject({ status: 403 });
    const within = await make(maker, { scopes: ['embed'] });
    expect(within).toMatchObject({ status: 201, body: { scopes: ['embed'], expires_at } });
    expect(await ask(maker, 'POST', `/api/v1/api-keys/${await idOf('ours')}/rotate`)).toMatchObject({ status: 403 });
  });

  test('that is rotated works on beside the new one; one that is revoked ends at once', async () => {
    const { body: old } = await make(ours, { scopes: ['models:read'] });
    const { body: next } = await ask(ours, 'POST', `/api/v1/api-keys/${textOf(old['id'])}/rotate`);
    for (const { token } of [old, next]) expect((await ask(textOf(token), 'GET', '/v1/models')).status).toBe(200);
    expect((await ask(ours, 'DELETE', `/api/v1/api-keys/${textOf(next['id'])}`)).status).toBe(204);
    expect((await ask(textOf(next['token']), 'GET', '/v1/models')).status).toBe(401);
    expect((await ask(textOf(old['token']), 'GET', '/v1/models')).status).toBe(200);
  });

  async function idOf(label: string): Promise<string> {
    const { api_keys } = (await ask(ours, 'GET', '/api/v1/api-keys')).body as unknown as { api_keys: JsonObject[] };
    return textOf(api_keys.find((key) => key['label'] === label)?.['id']);
  }
});

function textOf(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`expected a text, got ${JSON.stringify(value)}`);
  return value;
}
