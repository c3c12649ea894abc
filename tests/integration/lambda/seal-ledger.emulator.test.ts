import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openWasmCompute } from '../../../functions/adapters/wasm/wasm-compute.ts';
import { auditLog } from '../../../functions/domain/verify/audit-log.ts';
import { waitFor } from '../../e2e/running-node.ts';
import { openStage } from './open-stage.ts';
import type { OpenedStage } from './open-stage.ts';

// The built functions in processes of their own: the sealer dies with its process, and the signer reads the lock row itself.

let stage: OpenedStage;

beforeAll(async () => {
  stage = await openStage({ emulator_url: process.env['SIGNET_EMULATOR_URL'] ?? '' });
}, 60_000);
afterAll(() => stage.stop());

const ask = (method: string, path: string, body?: object): Promise<Response> =>
  fetch(`${stage.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${stage.owner_token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

async function decide(): Promise<string> {
  const messages = [{ role: 'user', content: 'Into the log' }];
  const answer = await ask('POST', '/v1/chat/completions', { model: 'signet-edge-1', messages });
  return String(answer.headers.get('signet-receipt'));
}

const wakeUp = async (): Promise<object> =>
  JSON.parse(await readFile(join(import.meta.dirname, '../../../events/seal-ledger/appended.json'), 'utf8')) as object;

async function seal(): Promise<unknown> {
  const answer = await stage.server.invoke('seal-ledger', await wakeUp());
  return JSON.parse(answer.body.toString());
}

/** Past `invoke`, where what was injected happens. */
async function sealOverHttp(): Promise<Response> {
  const path = '/2015-03-31/functions/seal-ledger/invocations';
  return fetch(`${stage.server.url}${path}`, { method: 'POST', body: JSON.stringify(await wakeUp()) });
}

test('sealers at once, and one whose process is killed, leave every receipt a log proof in one sound log', async () => {
  const ids: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    ids.push(await decide(), await decide());
    stage.server.inject('seal-ledger', 'killed');
    await Promise.all([sealOverHttp(), seal(), seal()]);
  }
  expect(await seal()).toEqual({ batchItemFailures: [] });
  for (const id of ids) {
    // Sealed by whoever came last; a killed one may have left its round to the next.
    const text = await waitFor(`receipt ${id} to be sealed`, async () => {
      await seal();
      const answer = await ask('GET', `/api/v1/receipts/${id}`);
      return answer.status === 200 ? answer.text() : undefined;
    });
    expect(text).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
  }

  const { verify } = await openWasmCompute();
  const pin = (await (await ask('GET', '/log/bundle')).json()) as { node_id: string; documents: object[] };
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const answer = await ask('GET', `/log/${path}`);
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : undefined;
  };
  const audit = await auditLog({ read, pins: [{ ...pin, documents: pin.documents as [] }], verify });
  expect(audit.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(audit.head?.size).toBeGreaterThanOrEqual(ids.length);
});

test('metrics and status count what is sealed', async () => {
  const { ledger } = (await (await ask('GET', '/api/v1/status')).json()) as { ledger: { size: number; root: string } };
  expect(ledger.size).toBeGreaterThan(0);
  expect(await (await ask('GET', '/metrics')).text()).toMatch(/^signet_ledger_size [1-9]/m);
});
