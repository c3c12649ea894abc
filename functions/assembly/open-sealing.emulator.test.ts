import { join } from 'node:path';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, jest, test } from '@jest/globals';
import { newCloudStage, type CloudStage } from '../../tests/fixtures/cloud-stage.ts';
import { dyingPorts } from '../../tests/fixtures/dying-ports.ts';
import { emulatorSettings } from '../../tests/integration/emulator/emulator-clients.ts';
import { openWasmCompute } from '../adapters/wasm/wasm-compute.ts';
import type { Call } from '../domain/call.ts';
import type { Round } from '../domain/ledger/make-sealer.ts';
import { auditLog } from '../domain/verify/audit-log.ts';
import { openCloud, type OpenedCloud } from './open-cloud.ts';
import { openSealing } from './open-sealing.ts';

/** Each call of a round goes to the emulator. */
jest.setTimeout(180_000);

const repository = join(import.meta.dirname, '..', '..');
const silent = () => undefined;
const log = { info: silent, warn: silent, error: silent };

let stage: CloudStage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

async function begin(): Promise<{ node: OpenedCloud; call: Call; begun: CloudStage }> {
  const begun = await newCloudStage();
  stage = begun;
  return { ...(await startNode(begun)), begun };
}

async function startNode({ environment, invoke, owner_token }: CloudStage): Promise<{ node: OpenedCloud; call: Call }> {
  const node = await openCloud({ environment, repository, log, invoke });
  const principal = await node.services.apiKeys.authenticate(owner_token);
  if (principal === undefined) throw new Error('the owner was not let in');
  let n = 0;
  const { signal } = new AbortController();
  const call = { principal, request_id: node.services.newId(), nextStatement: () => n++, depth: 0, signal };
  return { node, call };
}

/** Receipts of so many decisions. */
async function append({ node, call }: { node: OpenedCloud; call: Call }, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const { receipt } = await node.services.chat.complete(call, {
      model: 'edge/signet-edge-1',
      messages: [{ role: 'user', content: `How many legs have ${index} spiders?` }],
    });
    ids.push(receipt);
  }
  return ids;
}

async function sealAll(begun: CloudStage, within?: <T extends object>(port: T) => T): Promise<readonly Round[]> {
  const { sealing, invoke } = begun;
  const { openSealer } = await openSealing({
    environment: sealing,
    invoke,
    ...(within === undefined ? {} : { within }),
  });
  const rounds: Round[] = [];
  for (;;) {
    const round = await (await openSealer())?.seal();
    if (round === undefined || round.kind === 'idle') return rounds;
    rounds.push(round);
  }
}

/** The log as it is served, built again from its entries. */
async function audited({ node, begun }: { node: OpenedCloud; begun: CloudStage }) {
  const { verify } = await openWasmCompute();
  const { node_document } = begun.genesis;
  const pin = { node_id: node_document.id, pinned_at: '2030-01-01T00:00:00Z', documents: [node_document] };
  const read = async (path: string) => (await node.services.ledger?.file(path))?.bytes;
  return auditLog({ read, pins: [pin], verify });
}

test('what a node on AWS decides is sealed by another process, and read as a log proof', async () => {
  const { node, call, begun } = await begin();
  const ids = await append({ node, call }, 3);
  expect((await node.services.receipts.proof(ids[0] ?? '', 'default'))?.kind).toBe('pending');
  await sealAll(begun);
  for (const id of ids) expect((await node.services.receipts.proof(id, 'default'))?.kind).toBe('sealed');
  const audit = await audited({ node, begun });
  expect(audit.checks.filter(({ ok }) => !ok)).toEqual([]);
  // And what the start itself left: the adoption of its documents.
  expect(audit.head?.size).toBeGreaterThanOrEqual(ids.length);
});

test('two sealers at once leave one history', async () => {
  const { node, call, begun } = await begin();
  const ids: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    ids.push(...(await append({ node, call }, 5)));
    await Promise.allSettled([sealAll(begun), sealAll(begun), sealAll(begun)]);
  }
  await sealAll(begun);
  for (const id of ids) expect((await node.services.receipts.proof(id, 'default'))?.kind).toBe('sealed');
  expect((await audited({ node, begun })).checks.filter(({ ok }) => !ok)).toEqual([]);
});

test.each(['before', 'after'] as const)(
  'storage that fails %s any step, and a process that dies there, loses and doubles no entry',
  async (fault) => {
    const { node, call, begun } = await begin();
    const ids: string[] = [];
    let nth = fault === 'before' ? 1 : 2;
    for (; ; nth += 3) {
      ids.push(...(await append({ node, call }, 1)));
      const { wrap, wasHit } = dyingPorts(nth, fault);
      await sealAll(begun, wrap).catch((error: unknown) => {
        if (!wasHit()) throw error;
      });
      await sealAll(begun);
      if (!wasHit()) break;
    }
    expect(nth).toBeGreaterThan(25);
    for (const id of ids) expect((await node.services.receipts.proof(id, 'default'))?.kind).toBe('sealed');
    const audit = await audited({ node, begun });
    expect(audit.checks.filter(({ ok }) => !ok)).toEqual([]);
    const [again] = await sealAll(begun);
    expect(again).toBeUndefined();
  },
);

test('an append wakes the sealer, in one group', async () => {
  const { node, call, begun } = await begin();
  await append({ node, call }, 2);
  await node.wakes.settled();
  const sqs = new SQSClient(emulatorSettings());
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: begun.environment.queue_ledger,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 2,
      MessageSystemAttributeNames: ['All'],
    }),
  );
  sqs.destroy();
  expect(Messages.length).toBeGreaterThanOrEqual(1);
  expect(new Set(Messages.map(({ Attributes }) => Attributes?.['MessageGroupId']))).toEqual(new Set(['appended']));
});

test('a stage whose genesis lists no log key serves without a log, and says so', async () => {
  stage = await newCloudStage(undefined, undefined, { has_log: false });
  const { node, call } = await startNode(stage);
  const [id = ''] = await append({ node, call }, 1);
  expect(node.services.ledger).toBeUndefined();
  expect(await node.services.receipts.proof(id, 'default')).toBeUndefined();
  expect(await node.services.receipts.get(id, 'default')).toMatchObject({ entry: expect.any(String) });
  expect(await sealAll(stage)).toEqual([]);
});

test('another log key than the documents list seals nothing', async () => {
  const { node, call, begun } = await begin();
  await append({ node, call }, 1);
  const other = await newCloudStage();
  const { openSealer } = await openSealing({ environment: begun.sealing, invoke: other.invoke });
  await expect(openSealer()).rejects.toMatchObject({ name: 'LogKeyMissingError' });
  await other.close();
});
