import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { newCloudStage, type CloudStage } from '../../tests/fixtures/cloud-stage.ts';
import { openWasmCompute } from '../adapters/wasm/wasm-compute.ts';
import type { Call } from '../domain/call.ts';
import { GenesisRefusedError } from '../domain/identity/genesis.ts';
import { IdentityBrokenError } from '../domain/identity/identity-broken.ts';
import { verifyReceipt } from '../domain/verify/verify-receipt.ts';
import { openCloud, type OpenedCloud } from './open-cloud.ts';
import { openSweep } from './open-sweep.ts';

const repository = join(import.meta.dirname, '..', '..');
const lines: { facts: object; message: string }[] = [];
const note = (facts: object, message: string): void => void lines.push({ facts, message });
const log = { info: note, warn: note, error: note };

let stage: CloudStage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
  lines.length = 0;
});

const open = ({ environment, invoke }: CloudStage) => openCloud({ environment, repository, log, invoke });

async function callOf({ services }: OpenedCloud, token: string): Promise<Call> {
  const principal = await services.apiKeys.authenticate(token);
  if (principal === undefined) throw new Error('the owner was not let in');
  let n = 0;
  const signal = new AbortController().signal;
  return { principal, request_id: services.newId(), nextStatement: () => n++, depth: 0, signal };
}

test('cold starts at once over an empty table adopt one genesis, and each lets the owner in', async () => {
  stage = await newCloudStage();
  const { genesis, owner_token } = stage;
  const starting = stage;
  const nodes = await Promise.all(Array.from({ length: 4 }, () => open(starting)));
  expect(new Set(nodes.map(({ node_id }) => node_id))).toEqual(new Set([genesis.node_document.id]));
  expect(nodes.filter(({ is_new }) => is_new)).toHaveLength(1);
  for (const node of nodes) {
    const call = await callOf(node, owner_token);
    expect(call.principal).toMatchObject({ tenant: 'default', id: genesis.owner_key.id });
  }
});

test('a decision leaves a receipt that verifies offline against the documents of the genesis', async () => {
  stage = await newCloudStage();
  const { genesis, owner_token, calls } = stage;
  const node = await open(stage);
  const call = await callOf(node, owner_token);
  const { receipt } = await node.services.chat.complete(call, {
    model: 'edge/signet-edge-1',
    messages: [{ role: 'user', content: 'How many legs has a spider?' }],
  });
  // Another cold start reads it, with the session of the first.
  const other = await open(stage);
  const stored = await other.services.receipts.get(receipt, 'default');
  expect(stored?.document).toEqual(genesis.node_document);
  const { verify, digest } = await openWasmCompute();
  const verdict = await verifyReceipt({
    bytes: Buffer.from(JSON.stringify(stored)),
    verify,
    digest,
    trust: [genesis.node_document.id],
  });
  expect(verdict).toMatchObject({ valid: true, exit: 0 });
  expect(verdict.checks.find(({ name }) => name === 'delegation')).toMatchObject({ ok: true });
  // One environment and hour costs one signature of KMS, and nothing else of it is asked for.
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(calls.filter(({ payload }) => payload['operation'] === 'seal')).toHaveLength(2);
  expect(lines).toEqual([]);
});

test('the status tells who serves what', async () => {
  stage = await newCloudStage();
  const node = await open(stage);
  const status = await node.services.status(await callOf(node, stage.owner_token));
  expect(status).toMatchObject({
    node_id: stage.genesis.node_document.id,
    compute: {
      sign: { served_by: 'wasm' },
      verify: { served_by: 'wasm' },
      digest: { served_by: 'wasm' },
      score: { served_by: 'lambda' },
      embed: { served_by: 'lambda' },
      run: { served_by: 'lambda' },
      gates: { served_by: 'wasm' },
    },
    providers: [{ name: 'edge' }],
  });
  expect(await node.services.health()).toMatchObject({ status: 'healthy' });
});

test('a table that began with another genesis stops the start', async () => {
  stage = await newCloudStage();
  await open(stage);
  const { genesis, environment } = stage;
  const changed = { ...genesis, owner_key: { ...genesis.owner_key, label: 'somebody' } };
  await writeFile(environment.genesis, JSON.stringify(changed));
  await expect(open(stage)).rejects.toThrow(IdentityBrokenError);
});

test('a genesis of another stage stops the start', async () => {
  stage = await newCloudStage();
  const { environment, invoke } = stage;
  const elsewhere = openCloud({ environment: { ...environment, stage: 'prod' }, repository, log, invoke });
  await expect(elsewhere).rejects.toThrow(GenesisRefusedError);
});

test('a provider at an address of the function stops the start', async () => {
  stage = await newCloudStage({ providers: [{ name: 'upstream', base_url: 'http://169.254.169.254/v1' }] });
  await expect(open(stage)).rejects.toThrow(/`upstream` elsewhere than/);
});

test('a start whose sign-envelope does not answer serves what needs no signature, and says so', async () => {
  stage = await newCloudStage();
  const invoke = async (): Promise<never> => {
    throw new Error('no function today');
  };
  const node = await openCloud({ environment: stage.environment, repository, log, invoke });
  const { status, checks } = await node.services.health();
  expect(status).toBe('unhealthy');
  expect(checks.filter(({ state }) => state === 'failed').map(({ name }) => name)).toEqual(['signing']);
  const call = await callOf(node, stage.owner_token);
  await expect(
    node.services.chat.complete(call, { model: 'edge/signet-edge-1', messages: [{ role: 'user', content: 'hi' }] }),
  ).rejects.toThrow('no function today');
  expect(lines).toMatchObject([{ message: expect.stringMatching(/session key/) }]);
});

test('the sweep wakes what is due, without a node', async () => {
  stage = await newCloudStage();
  expect(await openSweep(stage.environment).jobs.sweepDue()).toBe(0);
});
