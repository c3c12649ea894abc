import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { serveProcess, type ServeProcess } from '../../clients/cli/src/lifecycle/serve-process.ts';
import type { WitnessReport } from '../../clients/cli/src/node-access.ts';
import { foreignWitness, openCosignature } from '../fixtures/foreign-log.ts';
import { openCheckpoint, readProof } from '../fixtures/plain-log.ts';

/** Two nodes on this machine, each the other's witness, set up and checked by the commands of a user. */
jest.setTimeout(180_000);

const binary = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'clients', 'cli', 'bin', 'signet.mjs');

let folder: string;
let one: TestedNode;
let two: TestedNode;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-witness-'));
  [one, two] = await Promise.all([openNode('one'), openNode('two')]);
});
afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await rm(folder, { recursive: true, force: true });
});

async function openNode(name: string) {
  const home = join(folder, name);
  let process_: ServeProcess = await serveProcess({ home, port: 0 });
  const token = async (): Promise<string> => (await readFile(join(home, 'owner.key'), 'utf8')).trim();
  const get = async (path: string, accept = 'text/plain') =>
    fetch(`${process_.url}${path}`, { headers: { authorization: `Bearer ${await token()}`, accept } });
  return {
    home,
    get url() {
      return process_.url;
    },
    get,
    /** Receipt of a chat. */
    async chat(): Promise<string> {
      const answer = await fetch(`${process_.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hello' }] }),
      });
      await answer.body?.cancel();
      expect(answer.status).toBe(200);
      return answer.headers.get('signet-receipt') ?? '';
    },
    /** The log as another may configure it: its verifier key. */
    async logKey(): Promise<string> {
      const bundle = (await (await get('/log/bundle')).json()) as { documents: { log: { vkeys: string[] } }[] };
      return bundle.documents.at(-1)?.log.vkeys[0] ?? '';
    },
    report: async () => JSON.parse((await signet(home, 'witness', 'show', '--json')).stdout) as WitnessReport,
    checkpoint: async () => (await get('/log/checkpoint')).text(),
    log: () => readFile(process_.output, 'utf8'),
    async kill(): Promise<void> {
      const ended = new Promise<void>((resolve) => process_.onExit(resolve));
      process.kill(process_.pid, 'SIGKILL');
      await ended;
    },
    async start(): Promise<void> {
      process_ = await serveProcess({ home, port: 0 });
    },
    stop: () => process_.stop(),
  };
}

type TestedNode = Awaited<ReturnType<typeof openNode>>;

function signet(home: string, ...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [binary, ...args, '--home', home],
      { env: { PATH: process.env['PATH'] } },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within a minute`);
}

/** The receipt, once the witness of that key has cosigned a checkpoint that has it. */
async function witnessedReceipt(node: TestedNode, id: string, vkey: string): Promise<string> {
  const name = vkey.split('+')[0] ?? '';
  return until(`a cosignature by ${name} in ${id}`, async () => {
    const answer = await node.get(`/api/v1/receipts/${id}`);
    const text = answer.status === 200 ? await answer.text() : '';
    return text.includes(`— ${name} `) && text;
  });
}

let ownKeys: { one: string; two: string };

test('each makes the other its witness by two commands, without a restart', async () => {
  expect(await one.report()).toEqual({ logs: [] });
  for (const [witness, log] of [
    [one, two],
    [two, one],
  ] as const) {
    expect(await signet(witness.home, 'witness', 'add-log', await log.logKey())).toMatchObject({ code: 0 });
    const { vkey } = await until('the key of a witness', async () => {
      const report = await witness.report();
      return report.logs.length === 1 && report;
    });
    expect(await signet(log.home, 'witness', 'add-witness', `${witness.url}/witness`, vkey ?? '')).toMatchObject({
      code: 0,
    });
  }
  ownKeys = { one: (await one.report()).vkey ?? '', two: (await two.report()).vkey ?? '' };
  const ofOwnLog = await signet(one.home, 'witness', 'add-log', await one.logKey());
  expect(ofOwnLog).toMatchObject({ code: 2, stderr: expect.stringContaining("this home's own") });
  expect((await signet(one.home, 'witness', 'add-log', 'log.example+00000000+AQ==')).code).toBe(2);
  expect((await signet(one.home, 'witness', 'add-witness', 'ftp://x', ownKeys.two)).code).toBe(2);
});

test('receipts and checkpoints of both carry what the other cosigned, and a stranger finds it to hold', async () => {
  for (const [node, key] of [
    [one, ownKeys.two],
    [two, ownKeys.one],
  ] as const) {
    const { checkpoint } = readProof(await witnessedReceipt(node, await node.chat(), key));
    const head = openCheckpoint(checkpoint, await node.logKey());
    expect(head.size).toBeGreaterThan(0);
    const lines = checkpoint.split('\n').filter((line) => line.startsWith(`— ${key.split('+')[0] ?? ''} `));
    expect(lines).toHaveLength(1);
    expect(openCosignature(`${lines[0] ?? ''}\n`, key, checkpoint)).toBeGreaterThan(0);
    const published = await until('a cosigned checkpoint', async () => {
      const note = await node.checkpoint();
      return note.includes(`— ${key.split('+')[0] ?? ''} `) && note;
    });
    expect(openCheckpoint(published, await node.logKey()).size).toBeGreaterThanOrEqual(head.size);
  }
});

test('federation and metrics tell of the witness', async () => {
  const name = ownKeys.two.split('+')[0];
  const status = (await (await one.get('/api/v1/federation/status')).json()) as { witnesses: unknown[] };
  expect(status.witnesses).toEqual([{ name, last_cosigned: expect.any(Number) }]);
  const { peers } = (await (await one.get('/api/v1/federation/peers')).json()) as { peers: unknown[] };
  expect(peers).toMatchObject([{ node_id: name, address: `${two.url}/witness`, state: 'alive', role: 'witness' }]);
  await until('no lag', async () =>
    (await (await one.get('/metrics')).text()).includes(`signet_witness_lag_entries{witness="${name}"} 0\n`),
  );
});

test('a reader who asks for a quorum gets it, or exit 13', async () => {
  const reader = join(folder, 'reader');
  const receipt = join(folder, 'receipt');
  const policy = join(folder, 'policy');
  const key = (await readFile(join(one.home, 'owner.key'), 'utf8')).trim();
  await writeFile(receipt, await witnessedReceipt(one, await one.chat(), ownKeys.two));
  const pin = async (text: string) => {
    await writeFile(policy, text);
    return signet(reader, 'trust', 'pin', one.url, '--key', key, '--policy', policy);
  };

  expect((await signet(reader, 'trust', 'pin', one.url, '--key', key)).code).toBe(0);
  const unasked = await signet(reader, 'verify', receipt);
  expect(unasked).toMatchObject({ code: 0, stdout: expect.stringContaining('quorum none is asked for') });

  expect(await pin(`witness two ${ownKeys.two}\nquorum two\n`)).toMatchObject({ code: 0 });
  expect(await signet(reader, 'verify', receipt)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('cosigned by two'),
  });
  expect(await signet(reader, 'audit', one.url, '--key', key)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('cosigned by two'),
  });
  expect((await signet(reader, 'audit', one.home)).code).toBe(0);

  const stranger = foreignWitness('stranger.example');
  const both = `witness two ${ownKeys.two}\nwitness other ${stranger.vkey}\n`;
  expect(await pin(`${both}group both all two other\nquorum both\n`)).toMatchObject({
    code: 13,
    stderr: expect.stringContaining('log.quorum'),
  });
  expect(await pin('quorum nobody\n')).toMatchObject({ code: 2, stderr: expect.stringContaining('tlog-policy') });
  // What was pinned stays.
  expect((await signet(reader, 'verify', receipt)).code).toBe(0);
  expect(await pin(`${both}group any any two other\nquorum any\n`)).toMatchObject({ code: 0 });
  expect((await signet(reader, 'verify', receipt)).code).toBe(0);

  const bundle = join(folder, 'bundle.json');
  await writeFile(bundle, await (await one.get('/log/bundle')).text());
  await writeFile(policy, `${both}group both all two other\nquorum both\n`);
  expect((await signet(reader, 'trust', 'pin', bundle, '--policy', policy)).code).toBe(0);
  expect(await signet(reader, 'verify', receipt)).toMatchObject({
    code: 13,
    stdout: expect.stringContaining('log.quorum'),
  });
  expect((await signet(reader, 'audit', one.url, '--key', key)).code).toBe(13);
});

test('a witness that is killed and moves is caught up with', async () => {
  await two.kill();
  await one.chat();
  await two.start();
  expect((await signet(one.home, 'witness', 'add-witness', `${two.url}/witness`, ownKeys.two)).code).toBe(0);
  expect((await two.report()).vkey).toBe(ownKeys.two);
  await witnessedReceipt(one, await one.chat(), ownKeys.two);
});

test('a node whose home was restored from before is found out by its witness, and its new history is never cosigned', async () => {
  await one.stop();
  await cp(one.home, join(folder, 'backup'), { recursive: true });
  await one.start();
  const id = await one.chat();
  const cosigned = readProof(await witnessedReceipt(one, id, ownKeys.two)).checkpoint;
  const { size } = openCheckpoint(cosigned, await one.logKey());
  await one.stop();

  await rm(one.home, { recursive: true });
  await cp(join(folder, 'backup'), one.home, { recursive: true });
  await one.start();
  await until('an alarm', async () => (await one.log()).includes('A WITNESS CONTRADICTS OUR LOG'));
  for (let entries = 0; entries < 5; entries += 1) await one.chat();
  await until('a larger log', async () => openCheckpoint(await one.checkpoint(), await one.logKey()).size > size);
  await until('a second alarm', async () => (await one.log()).includes('is not the beginning of our log'));
  expect((await two.report()).logs).toMatchObject([{ size }]);
  expect(await one.checkpoint()).not.toContain(`— ${ownKeys.two.split('+')[0] ?? ''} `);
});
