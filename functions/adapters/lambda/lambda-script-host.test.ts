import { expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import schema from '@signet/shared/schemas/run-script.json' with { type: 'json' };
import { CapabilityUnavailableError } from '../../domain/ports/compute.ts';
import { FunctionUnavailableError, type FunctionCall } from './function-call.ts';
import { lambdaScriptHost } from './lambda-script-host.ts';

const run = { run_id: 'run-1', tenant: 'acme', token: 'srt~acme~1~secret' };

function open(facts: { is_per_tenant?: boolean; fails?: Error } = {}) {
  const calls: FunctionCall[] = [];
  const host = lambdaScriptHost({
    invoke: async (call) => {
      calls.push(call);
      if (facts.fails !== undefined) throw facts.fails;
      return null;
    },
    function_name: 'run-script',
    api_url: 'https://api.example/dev',
    is_per_tenant: facts.is_per_tenant ?? false,
  });
  return { calls, host };
}

test('a run is announced by an event without script and input, as the shared schema says', async () => {
  const { calls, host } = open();
  await host.launch(run);
  expect(calls).toEqual([
    {
      function_name: 'run-script',
      kind: 'event',
      timeout_ms: 0,
      payload: {
        run_id: 'run-1',
        token: run.token,
        callback_url: 'https://api.example/dev/internal/runs/run-1/frames',
      },
    },
  ]);
  const fits = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
  expect(fits(calls[0]?.payload)).toBe(true);
});

test('a function that isolates tenants is told whose run it is', async () => {
  const { calls, host } = open({ is_per_tenant: true });
  await host.launch(run);
  expect(calls[0]).toMatchObject({ tenant_id: 'acme' });
});

test('what is throttled may be tried later, what may have been taken counts as taken, the rest is ours', async () => {
  const failure = (kind: 'busy' | 'unknown' | 'permanent') =>
    new FunctionUnavailableError({ function_name: 'run-script', failure: kind }, { cause: new Error('x') });
  await expect(open({ fails: failure('busy') }).host.launch(run)).rejects.toBeInstanceOf(CapabilityUnavailableError);
  await expect(open({ fails: failure('unknown') }).host.launch(run)).resolves.toBeUndefined();
  const permanent = failure('permanent');
  await expect(open({ fails: permanent }).host.launch(run)).rejects.toBe(permanent);
});
