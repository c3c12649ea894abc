import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../../functions/domain/json.ts';
import type { CompactionRules } from '../../functions/domain/vectors/compaction-rules.ts';
import { repository } from '../fixtures/built-parts.ts';

/** SIGNET_COLLECTION_SECONDS=60 for the long form. */
const load_ms = Number(process.env['SIGNET_COLLECTION_SECONDS'] ?? 6) * 1000;
const dimension = 24;
const writers = 50;
const readers = 10;
const root = '/api/v1/vectors/collections/rows';

/** A segment every few requests, merged at once, and deleted while readers are at it. */
const rules: Partial<CompactionRules> = {
  delta_rows: 60,
  delta_ms: 300,
  hasten_again_ms: 20,
  segments_per_level: 3,
  kept_ms: 1500,
  orphan_ms: 3000,
};

/** What the node said last of an id; absent while a request about it has no answer. */
type Fate = { readonly values: readonly number[] } | 'deleted';

let home: string;
let node: { child: ChildProcess; url: string; log: () => string };
let owner = '';
const fates = new Map<string, Fate>();
let checks = 0;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-collections-'));
});
afterAll(async () => {
  await kill();
  await rm(home, { recursive: true });
});

test(
  'fifty writers and ten readers with compactions and kill -9: what was answered is found, what was deleted is not',
  async () => {
    await start();
    await ask('POST', '/api/v1/vectors/collections', { name: 'rows', dimension, metric: 'euclidean', text: true });
    const until = Date.now() + load_ms;
    let kills = 0;
    while (kills < 2 || Date.now() < until) {
      let isOver = false;
      const load = [
        ...Array.from({ length: writers }, (_, worker) =>
          repeat(
            () => isOver,
            () => write(worker),
          ),
        ),
        ...Array.from({ length: readers }, () => repeat(() => isOver, read)),
        repeat(() => isOver, compact),
      ];
      await new Promise((resolve) => setTimeout(resolve, Math.min(load_ms / 3, 1000 + Math.random() * 7000)));
      isOver = true;
      kills += 1;
      await kill();
      await Promise.all(load);
      await start();
      await checkAll();
    }
    const { body } = await ask('GET', `${root}/stats`);
    const [space] = body['namespaces'] as { generation: number }[];
    expect(space?.generation).toBeGreaterThan(kills);
    expect(checks).toBeGreaterThan(100);
    console.info(`${kills} kills, ${fates.size} ids, ${checks} checks, ${space?.generation} compactions`);
  },
  120_000 + load_ms * 4,
);

async function start(): Promise<void> {
  const child = spawn(
    process.execPath,
    [join(repository, 'tests', 'fixtures', 'node.child.ts'), home, JSON.stringify(rules)],
    { env: { PATH: process.env['PATH'], SIGNET_LOG: 'error' }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let printed = '';
  child.stderr.on('data', (piece) => (printed += String(piece)));
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`the node did not start:\n${printed}`))),
  ])) as [Buffer];
  child.stdout.resume();
  const { url, owner_key } = JSON.parse(String(line)) as { url: string; owner_key: string };
  owner = (await readFile(owner_key, 'utf8')).trim();
  node = { child, url, log: () => printed };
}

async function kill(): Promise<void> {
  const { child } = node;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** `undefined` where the connection broke: nobody knows then what became of it. */
async function tryAsk(
  method: string,
  path: string,
  body?: Json,
): Promise<{ status: number; body: JsonObject } | undefined> {
  try {
    const answer = await fetch(`${node.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${owner}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.status === 429) {
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 800));
      return { status: 429, body: {} };
    }
    if (answer.status >= 500) throw new Error(`${method} ${path}: ${text}\n${node.log()}`);
    return { status: answer.status, body: JSON.parse(text) as JsonObject };
  } catch (error) {
    // Of another realm than this file's `TypeError`.
    if ((error as Error).name === 'TypeError') return undefined;
    throw error;
  }
}

async function ask(method: string, path: string, body?: Json): Promise<{ status: number; body: JsonObject }> {
  for (;;) {
    const answer = await tryAsk(method, path, body);
    if (answer === undefined) throw new Error(`${method} ${path}: the node is gone`);
    if (answer.status !== 429) return answer;
  }
}

async function repeat(isOver: () => boolean, work: () => Promise<void>): Promise<void> {
  while (!isOver()) await work();
}

/** Each writer has its own ids, so that the last answer about one is the truth. */
async function write(worker: number): Promise<void> {
  const ids = [...new Set(Array.from({ length: 1 + below(12) }, () => `w${worker}-${below(40)}`))];
  for (const id of ids) fates.delete(id);
  const kind = below(10);
  if (kind < 6) {
    const vectors = ids.map((id) => ({ id, values: vector(), metadata: { worker }, content: `row ${id}` }));
    const answer = await tryAsk('POST', `${root}/put`, { vectors });
    if (answer?.status === 200) for (const { id, values } of vectors) fates.set(id, { values });
    if (answer?.status !== 200) return;
    const one = vectors[below(vectors.length)];
    if (one !== undefined) await expectFound(one.id, one.values);
  } else if (kind < 9) {
    const answer = await tryAsk('POST', `${root}/delete`, { ids });
    if (answer?.status !== 200) return;
    for (const id of ids) fates.set(id, 'deleted');
    await expectGone(ids);
  } else {
    const mine = [...fates.keys()].filter((id) => id.startsWith(`w${worker}-`));
    for (const id of mine) fates.delete(id);
    const answer = await tryAsk('POST', `${root}/delete`, { filter: { worker } });
    if (answer?.status !== 200) return;
    for (const id of [...mine, ...ids]) fates.set(id, 'deleted');
    await expectGone([...mine, ...ids].slice(0, 100));
  }
}

async function expectFound(id: string, values: readonly number[]): Promise<void> {
  const found = await tryAsk('POST', `${root}/query`, { values: [...values], k: 3 });
  if (found?.status !== 200) return;
  checks += 1;
  const hits = found.body['hits'] as { id: string; distance: number }[];
  if (hits[0]?.id !== id) throw new Error(`${id} was put and is not found: ${JSON.stringify(found.body)}`);
}

async function expectGone(ids: readonly string[]): Promise<void> {
  const got = await tryAsk('POST', `${root}/get`, { ids: [...ids] });
  if (got?.status !== 200) return;
  checks += 1;
  const found = got.body['found'] as { id: string }[];
  if (found.length > 0) throw new Error(`deleted and there: ${found.map(({ id }) => id).join(' ')}`);
}

/** Any row, known before the query began and untouched when it ended: it must be as it was said. */
async function read(): Promise<void> {
  const ids = [...fates.keys()];
  const id = ids[below(ids.length)] ?? '';
  const fate = fates.get(id);
  if (fate === undefined) return new Promise((resolve) => setTimeout(resolve, 5));
  const values = fate === 'deleted' ? vector() : fate.values;
  const answer = await tryAsk('POST', `${root}/query`, { values: [...values], k: 50 });
  if (answer?.status !== 200 || fates.get(id) !== fate) return;
  checks += 1;
  const hits = answer.body['hits'] as { id: string; distance: number }[];
  const hit = hits.find((one) => one.id === id);
  if (fate === 'deleted' ? hit !== undefined : hit === undefined || hit.distance > 0.01) {
    throw new Error(`${id} ${JSON.stringify(fate)}: ${JSON.stringify(answer.body)}`);
  }
}

async function compact(): Promise<void> {
  await tryAsk('POST', `${root}/compact`, {});
  await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Of the whole collection after a start, through each of the ways that rows can be asked for. */
async function checkAll(): Promise<void> {
  const ids = [...fates.keys()];
  for (let from = 0; from < ids.length; from += 100) {
    const asked = ids.slice(from, from + 100);
    const { body } = await ask('POST', `${root}/get`, { ids: asked, include: ['values', 'content'] });
    const found = new Map(
      (body['found'] as { id: string; values: number[]; content: string }[]).map((row) => [row.id, row]),
    );
    for (const id of asked) {
      const fate = fates.get(id);
      const row = found.get(id);
      if (fate === 'deleted' ? row !== undefined : row === undefined || !isNear(row.values, fate?.values ?? [])) {
        throw new Error(`after the start, ${id}: said ${JSON.stringify(fate)}, found ${JSON.stringify(row)}`);
      }
    }
  }
  const listed = await allIds();
  for (const [id, fate] of fates)
    if ((fate === 'deleted') === listed.has(id)) throw new Error(`listing says otherwise of ${id}`);
  const { body } = await ask('POST', `${root}/count`, {});
  expect(body['count']).toBe(listed.size);
}

async function allIds(): Promise<Set<string>> {
  const ids = new Set<string>();
  let cursor: string | undefined;
  do {
    const { body } = await ask('GET', `${root}/vectors?limit=500${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    for (const id of body['ids'] as string[]) ids.add(id);
    cursor = body['cursor'] as string | undefined;
  } while (cursor !== undefined);
  return ids;
}

function isNear(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((value, index) => Math.abs(value - (right[index] ?? NaN)) < 0.002);
}

function vector(): number[] {
  return Array.from({ length: dimension }, () => Math.random() * 2 - 1);
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}
