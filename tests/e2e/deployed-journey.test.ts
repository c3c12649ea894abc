import { exec } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { deployedResources } from './deployed-resources.ts';
import { emulatorUrl, makeStage, type DeployedStage, type Ended } from './deployed-stage.ts';
import {
  findParaphrases,
  leaveReceipts,
  nearestNote,
  runExample,
  useStockNodeClient,
  type RunSeen,
} from './journey-steps.ts';
import { waitFor } from './running-node.ts';
import type { Visitor } from './visitor.ts';

let folder: string;
let stage: DeployedStage;
let deployed: Ended;
let owner: Visitor;
/** What is under it, as the account's owner sees it. */
const resources = deployedResources({ endpoint: emulatorUrl(), stage: 'dev', state: () => stage.state() });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-deployed-'));
  stage = makeStage({ name: 'dev', folder });
  deployed = await stage.deploy();
  if (deployed.code !== 0) throw new Error(`deploy ended with ${deployed.code}:\n${deployed.output}`);
  owner = await stage.owner();
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a stage as a user deploys it', () => {
  test('prepares the account when AWS says so, and examines what it deployed', () => {
    expect(deployed.output).toContain('cdk bootstrap');
    expect(deployed.output).toContain('stage dev: begun');
    expect(deployed.output).toMatch(/^ok {3}receipt .*verifies offline$/m);
    expect(deployed.output).toMatch(/^ok {3}genesis /m);
    expect(deployed.output).toMatch(/^ok {3}embed +lambda$/m);
    expect(deployed.output).toMatch(/^ok {3}run +lambda$/m);
  });

  test('its first command works as it is printed', async () => {
    const command = /^ {2}(curl .*)$/m.exec(deployed.output)?.[1] ?? '';
    const trusted = process.env['SSL_CERT_FILE'];
    const environment = { PATH: process.env['PATH'], ...(trusted === undefined ? {} : { CURL_CA_BUNDLE: trusted }) };
    const { stdout } = await promisify(exec)(command, { env: environment });
    expect(JSON.parse(stdout)).toMatchObject({ object: 'chat.completion' });
  });

  test('the genesis is public: it holds no secret of the keys beside it', async () => {
    const genesis = await readFile(stage.genesis, 'utf8');
    expect(genesis).not.toContain(owner.key.split('_').at(-1));
    expect(genesis).not.toContain('PRIVATE');
  });

  test('serves the stock OpenAI client for Node: models, embeddings, chat, stream, tools', () =>
    useStockNodeClient(owner));

  test('finds a paraphrase first among ten short texts', () => findParaphrases(owner));

  test('runs the example over HTTP, and each of its receipts verifies offline', async () => {
    await runExample(owner);
  });

  test('runs an example through the command, followed to its end', async () => {
    const { stdout } = await owner.signet(['run', join('examples', 'soma-pt.py'), '--url', owner.url]);
    expect(stdout).toContain('42');
  });

  test('leaves a receipt for an answer and for a refusal, and a flipped bit is seen', () => leaveReceipts(owner));
});

describe('the log of a stage', () => {
  test('receipts of decisions become log proofs, and each verifies offline', async () => {
    const chat = { model: 'signet-edge-1', messages: [{ role: 'user', content: 'into the log' }] };
    const answered = await owner.request('POST', '/v1/chat/completions', chat);
    const id = String(answered.headers.get('signet-receipt'));
    await waitFor(`receipt ${id} to be sealed`, async () => {
      const { status } = await owner.request('GET', `/api/v1/receipts/${id}`);
      return status === 200 ? true : undefined;
    });
    const file = await owner.verifyOffline(id);
    expect(await readFile(file, 'utf8')).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  });

  test('is sound: built again from what it serves', async () => {
    const { stdout } = await owner.signet(['audit', owner.url]);
    expect(stdout).toMatch(/^ok {3}root /m);
    expect(stdout).not.toContain('FAIL');
  });

  test('is what metrics and status count', async () => {
    const status = (await owner.json('GET', '/api/v1/status')) as { ledger: { size: number; root: string } };
    expect(status.ledger.size).toBeGreaterThan(0);
    expect(status.ledger.root).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('the queue of runs', () => {
  test('a poison message ends among the dead letters with its reason, and redrives', async () => {
    await resources.sendRun('{"poison": true}');
    const first = await resources.deadLetter('{"poison": true}');
    expect(first).toMatchObject({ reason: 'malformed', attempts: 1 });

    expect(await resources.redrive(first.id)).toBe(1);
    const second = await resources.deadLetter('{"poison": true}', first.id);
    expect(second).toMatchObject({ reason: 'malformed' });
  });

  test('a job that is delivered again and again does its work once', async () => {
    const { id } = (await owner.json('POST', '/api/v1/runs', {
      script: 'import time\ntime.sleep(1)\nprint("once")',
      mode: 'async',
    })) as RunSeen;
    // Beside the one that the node sent: at the same time, and after the run has ended.
    for (let copy = 0; copy < 4; copy += 1)
      await resources.sendRun(JSON.stringify({ job_id: await resources.jobOf(id) }));
    const ended = await runEnds(id);
    expect(ended).toMatchObject({ state: 'succeeded', stdout: 'once\n' });
    await resources.sendRun(JSON.stringify({ job_id: await resources.jobOf(id) }));
    await resources.sendRun('{"after": "it"}');
    await resources.deadLetter('{"after": "it"}');
    expect(await owner.json('GET', `/api/v1/runs/${id}`)).toEqual(ended);
    for (const receipt of ended.receipts) await owner.verifyOffline(receipt);
  });
});

describe('a stage that changes', () => {
  test('after a change it is the same node with its data, and the change is there', async () => {
    const before = await nodeId();
    const again = await stage.deploy({ functions: { 'serve-api': { memory_mb: 1536 } }, keeps_data: true });
    expect(again).toMatchObject({ code: 0 });
    expect(again.output).not.toContain('cdk bootstrap');
    expect(again.output).toContain('stage dev: as it was');
    owner = await stage.owner();
    expect(await nodeId()).toBe(before);
    expect(await resources.memoryOf('serve-api')).toBe(1536);
    expect(await nearestNote(owner, 'a goal late in the game')).toBe('n5');
  }, 180_000);

  test('destroyed and deployed again it is the same node with its data, which a stage that keeps it protects', async () => {
    const before = await nodeId();
    const destroyed = await stage.destroy();
    expect(destroyed).toMatchObject({ code: 0 });
    expect(destroyed.output).toContain('Kept: Signet-dev-State');
    expect(destroyed.output).toContain((await stage.state())['TableName']);
    expect(await resources.functionNames()).toEqual([]);
    expect(await resources.hasTable((await stage.state())['TableName'])).toBe(true);

    const refused = await stage.destroy('--with-state');
    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('"keeps_data": false') });
    expect(await resources.hasTable((await stage.state())['TableName'])).toBe(true);

    expect(await stage.deploy({ keeps_data: false })).toMatchObject({ code: 0 });
    owner = await stage.owner();
    expect(await nodeId()).toBe(before);
    expect(await nearestNote(owner, 'a goal late in the game')).toBe('n5');
  }, 300_000);

  test('destroyed with its state nothing is left there, and its keys are set aside here', async () => {
    const token = owner.key;
    const outputs = await stage.state();
    const destroyed = await stage.destroy('--with-state');
    expect(destroyed).toMatchObject({ code: 0 });
    expect(await resources.functionNames()).toEqual([]);
    expect(await resources.hasTable(outputs['TableName'])).toBe(false);
    await expect(readFile(stage.genesis)).rejects.toMatchObject({ code: 'ENOENT' });
    const old = /keys of the old node: (\S+)/.exec(destroyed.output)?.[1] ?? '';
    expect((await readFile(join(old, 'owner.key'), 'utf8')).trim()).toBe(token);
  }, 180_000);
});

async function nodeId(): Promise<unknown> {
  return ((await owner.json('GET', '/api/v1/status')) as { node_id: unknown }).node_id;
}

async function runEnds(id: string): Promise<RunSeen> {
  return await waitFor(`run ${id} to end`, async () => {
    const run = (await owner.json('GET', `/api/v1/runs/${id}`)) as RunSeen;
    return ['succeeded', 'failed', 'cancelled'].includes(run.state) ? run : undefined;
  });
}
