import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openDatabase } from '../../functions/adapters/sqlite/open-database.ts';
import { openWasmCompute } from '../../functions/adapters/wasm/wasm-compute.ts';
import type { Json, JsonObject } from '../../functions/domain/json.ts';
import { verifyReceipt } from '../../functions/domain/verify/verify-receipt.ts';
import { areBuilt, repository } from '../fixtures/built-parts.ts';

const runs_scripts = areBuilt('native', 'script-image');
/** SIGNET_CRASH_ROUNDS=20 for the long form. */
const rounds = Number(process.env['SIGNET_CRASH_ROUNDS'] ?? 3);
const dimension = 32;

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  /** What it logged so far. */
  log(): string;
}

/** What the node said that it had done: all of it has to be there after the next start. */
const acknowledged = {
  receipts: new Set<string>(),
  vectors: new Map<string, number[]>(),
  tokens: new Set<string>(),
  scripts: new Map<string, string>(),
  runs: new Set<string>(),
};

let home: string;
let owner = '';
let node_id = '';
let compute: Awaited<ReturnType<typeof openWasmCompute>>;
const children: ChildProcess[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-crash-'));
  compute = await openWasmCompute();
});
afterAll(async () => {
  for (const child of children) await kill(child);
  await rm(home, { recursive: true });
});

test(
  'kill -9 under load: what was acknowledged is there, and nothing is there by half',
  async () => {
    let running = await serve();
    await ask(running, 'POST', '/api/v1/vectors/collections', { name: 'rows', dimension });
    for (let round = 1; round <= rounds; round += 1) {
      const load = Array.from({ length: 8 }, (_, worker) => work(running, `${round}-${worker}`, worker));
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1200));
      await kill(running.child);
      await Promise.all(load);
      expect(await halves()).toEqual([]);
      running = await serve();
      await checkVectors(running);
      await checkRuns(running);
      await checkKeysAndScripts(running);
      await checkReceipts(running);
    }
    expect(acknowledged.receipts.size).toBeGreaterThan(50);
    expect(acknowledged.vectors.size).toBeGreaterThan(500);
    await kill(running.child);
    expect(await halves()).toEqual([]);
  },
  60_000 + rounds * 60_000,
);

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function serve(): Promise<Running> {
  const child = spawn(
    process.execPath,
    [join(repository, 'clients', 'cli', 'bin', 'signet.mjs'), 'serve', '--json', '--home', home],
    {
      env: { PATH: process.env['PATH'], SIGNET_PORT: '0', SIGNET_LOG: 'error' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  children.push(child);
  let printed = '';
  child.stderr.on('data', (piece) => (printed += String(piece)));
  const [line] = (await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`the node did not start again:\n${printed}`))),
  ])) as [Buffer];
  child.stdout.resume();
  const said = JSON.parse(String(line)) as { url: string; node_id: string };
  if (node_id !== '') expect(said.node_id).toBe(node_id);
  node_id = said.node_id;
  owner = (await readFile(join(home, 'owner.key'), 'utf8')).trim();
  return { child, url: said.url, log: () => printed };
}

interface Answered {
  readonly status: number;
  readonly body: JsonObject;
  readonly text: string;
}

async function ask(running: Running, method: string, path: string, body?: Json, token = owner): Promise<Answered> {
  const answer = await fetch(`${running.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const wait_s = answer.headers.get('retry-after');
  if (answer.status === 429 && wait_s !== null) {
    await new Promise((resolve) => setTimeout(resolve, Number(wait_s) * 1000));
    return ask(running, method, path, body, token);
  }
  const receipt = answer.headers.get('signet-receipt');
  // The decision of a stream stands before its first byte, all else before the answer.
  if (receipt !== null) acknowledged.receipts.add(receipt);
  const text = await answer.text();
  if (answer.status === 500) throw new Error(`${method} ${path}: ${text}\n${running.log()}`);
  return { status: answer.status, text, body: text.startsWith('{') ? (JSON.parse(text) as JsonObject) : {} };
}

/** Asks one thing after another until the node is gone. */
async function work(running: Running, name: string, kind: number): Promise<void> {
  for (let count = 0; ; count += 1) {
    try {
      await steps[kind % steps.length]?.(running, `${name}-${count}`);
    } catch (error) {
      // What `fetch` throws when the connection breaks; its `TypeError` is of another realm than this file's.
      if ((error as Error).name !== 'TypeError') throw error;
      return;
    }
  }
}

const messages = [{ role: 'user', content: 'Is Rust fast? Rust is fast.' }];

const steps: readonly ((running: Running, name: string) => Promise<void>)[] = [
  (running, name) => putVectors(running, name, 1 + Math.floor(Math.random() * 99)),
  (running, name) => putVectors(running, name, 500),
  async (running) => {
    await ask(running, 'POST', '/v1/chat/completions', { model: 'signet-edge-1', messages });
  },
  async (running) => {
    const { text } = await ask(running, 'POST', '/v1/chat/completions', {
      model: 'signet-edge-1',
      messages,
      stream: true,
    });
    const outcome = /^: .*?([0-9a-f]{64})/m.exec(text)?.[1];
    if (text.includes('[DONE]')) expect(outcome).toBeDefined();
    if (outcome !== undefined) acknowledged.receipts.add(outcome);
  },
  async (running, name) => {
    const { status, body } = await ask(running, 'POST', '/api/v1/api-keys', { label: name, scopes: ['models:read'] });
    if (status === 201) acknowledged.tokens.add(textOf(body['token']));
  },
  async (running, name) => {
    const { status, body } = await ask(running, 'PUT', `/api/v1/scripts/s${name}`, { source: `"${name}"` });
    if (status === 200) acknowledged.scripts.set(`s${name}`, textOf(body['digest']));
  },
  async (running, name) => {
    // Without a sandbox a run is refused as not ready, which leaves a receipt too.
    const { status, body } = await ask(running, 'POST', '/api/v1/runs', { script: `"${name}"`, mode: 'async' });
    if (status === 202) acknowledged.runs.add(textOf(body['id']));
    if (status !== 202) await new Promise((resolve) => setTimeout(resolve, 20));
  },
];

async function putVectors(running: Running, name: string, rows: number): Promise<void> {
  const vectors = Array.from({ length: rows }, (_, row) => ({
    id: `${name}-${row}`,
    values: Array.from({ length: dimension }, () => Math.random() - 0.5),
  }));
  const { status } = await ask(running, 'POST', '/api/v1/vectors/collections/rows/put', { vectors });
  if (status === 200) for (const { id, values } of vectors) acknowledged.vectors.set(id, values);
}

/** The first query after the start finds each vector by itself, and every row of a put is there, or none. */
async function checkVectors(running: Running): Promise<void> {
  const ids = [...acknowledged.vectors.keys()];
  for (const id of sample(ids, 20)) {
    const values = acknowledged.vectors.get(id) ?? [];
    const { body } = await ask(running, 'POST', '/api/v1/vectors/collections/rows/query', { values, k: 1 });
    expect(body).toMatchObject({ hits: [{ id }] });
  }
  for (let from = 0; from < ids.length; from += 100) {
    const asked = { ids: ids.slice(from, from + 100) };
    const { body } = await ask(running, 'POST', '/api/v1/vectors/collections/rows/get', asked);
    expect(body['missing'] ?? []).toEqual([]);
  }
}

async function checkRuns(running: Running): Promise<void> {
  for (const id of acknowledged.runs) {
    let run: JsonObject;
    do run = (await ask(running, 'GET', `/api/v1/runs/${id}?wait_ms=20000`)).body;
    while (run['state'] === 'queued' || run['state'] === 'running');
    expect(run).toMatchObject({ id, state: 'succeeded', exit_code: 0 });
    for (const receipt of run['receipts'] as string[]) acknowledged.receipts.add(receipt);
  }
}

async function checkKeysAndScripts(running: Running): Promise<void> {
  for (const token of acknowledged.tokens) {
    expect((await ask(running, 'GET', '/v1/models', undefined, token)).status).toBe(200);
  }
  for (const [name, digest] of acknowledged.scripts) {
    expect((await ask(running, 'GET', `/api/v1/scripts/${name}`)).text).toContain(digest);
  }
}

async function checkReceipts(running: Running): Promise<void> {
  for (const id of acknowledged.receipts) {
    const { status, text } = await ask(running, 'GET', `/api/v1/receipts/${id}`);
    expect([id, status]).toEqual([id, 200]);
    const { verify, digest } = compute;
    const verdict = await verifyReceipt({ bytes: Buffer.from(text), verify, digest, trust: [node_id] });
    expect(verdict).toMatchObject({ exit: 0, receipt_id: id });
  }
}

/** Rows whose other half is not there; the node is not running. */
async function halves(): Promise<string[]> {
  const database = await openDatabase({ path: join(home, 'signet.db') });
  try {
    const rows = (sql: string): string[] => database.read(sql, []).map((row) => Object.values(row).join(' '));
    return [
      ...rows(
        `SELECT 'index without entry', pk FROM rows AS i WHERE pk GLOB 'ledger#index#*'
           AND json_extract(item, '$.index') IS NULL AND NOT EXISTS
           (SELECT 1 FROM rows WHERE pk = 'ledger#pending#0' AND sk = json_extract(i.item, '$.at'))`,
      ),
      ...rows(
        `SELECT 'entry without index', sk FROM rows AS e WHERE pk = 'ledger#pending#0' AND NOT EXISTS
           (SELECT 1 FROM rows WHERE pk = 'ledger#index#' || substr(e.sk, instr(e.sk, '#') + 1))`,
      ),
      ...rows(
        `SELECT 'open run without job', pk FROM rows AS r WHERE pk GLOB 't#*#run#*' AND sk = 'state'
           AND json_extract(item, '$.state') IN ('queued', 'running', 'waiting_tool')
           AND NOT EXISTS (SELECT 1 FROM rows AS j WHERE j.pk GLOB 'job#*' AND instr(j.item, json_extract(r.item, '$.id')) > 0)`,
      ),
      ...rows(
        `SELECT 'key without list row', pk FROM rows AS k WHERE pk GLOB 'api-key#*' AND NOT EXISTS
           (SELECT 1 FROM rows WHERE pk GLOB 't#*#api-keys' AND sk = json_extract(k.item, '$.id'))`,
      ),
    ];
  } finally {
    await database.close();
  }
}

function sample<T>(items: readonly T[], count: number): T[] {
  const step = Math.max(1, Math.floor(items.length / count));
  return items.filter((_, index) => index % step === 0);
}

if (!runs_scripts) console.warn('the sandbox is not built (node scripts/build-artefacts.mjs): no run is killed here');

function textOf(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error(`expected a text, got ${JSON.stringify(value)}`);
  return value;
}
