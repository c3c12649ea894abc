import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { makeConfig, readOverrides, stageName } from '../../infra/config.ts';

describe('the configuration of a stage', () => {
  test('dev loses its data with its stack; prod, staging and any other name keep it', () => {
    expect(makeConfig({ stage: 'dev' }).keeps_data).toBe(false);
    for (const stage of ['staging', 'prod', 'blue-2']) expect(makeConfig({ stage }).keeps_data).toBe(true);
  });

  test.each(['a', 'dev', 'blue-2', 'constructor', `a${'b'.repeat(19)}`])('takes the name %s', (stage) => {
    expect(stageName.safeParse(stage).success).toBe(true);
    expect(makeConfig({ stage })).toMatchObject({ stage, log_days: 30 });
  });

  test.each(['', 'Dev', '2nd', '-a', 'a_b', 'a.b', `a${'b'.repeat(20)}`])('refuses the name `%s`', (stage) => {
    expect(() => makeConfig({ stage })).toThrow('expected a stage of 1 to 20 characters');
  });

  test('overrides change one value and leave its neighbours', () => {
    const config = makeConfig({ stage: 'prod', overrides: { functions: { 'serve-api': { memory_mb: 2_048 } } } });
    expect(config.functions['serve-api']).toEqual({ memory_mb: 2_048, timeout_s: 900 });
    expect(config.functions['run-script']).toEqual({ memory_mb: 1_769, timeout_s: 900 });
    expect(config.api.requests_per_s).toBe(500);
  });

  test('names every wrong value at once, unknown ones too', () => {
    const overrides = { functions: { 'serve-api': { memory_mb: 64 } }, alarm: {}, runs: { concurrency_max: 1 } };
    expect(() => makeConfig({ stage: 'dev', overrides })).toThrow(
      /stage `dev`:.*`functions\.serve-api\.memory_mb`.*`runs\.concurrency_max`.*alarm/s,
    );
  });

  test('refuses overrides that speak of another stage', () => {
    expect(() => makeConfig({ stage: 'dev', overrides: { stage: 'prod' } })).toThrow('leave `stage` alone');
  });

  test('is for one account and region, or for all', () => {
    const account = '111122223333';
    expect(makeConfig({ stage: 'dev', account, region: 'eu-west-1' })).toMatchObject({ account, region: 'eu-west-1' });
    expect(makeConfig({ stage: 'dev', account })).not.toHaveProperty('account');
    expect(() => makeConfig({ stage: 'dev', account: '1', region: 'eu-west-1' })).toThrow('`account`');
  });

  test('is never of an emulator by itself', () => {
    for (const stage of ['dev', 'staging', 'prod', 'emulator', 'local']) {
      expect(makeConfig({ stage }).emulator).toBeUndefined();
    }
  });
});

describe('overrides from a file', () => {
  const withFile = (text: string, use: (path: string, folder: string) => void) => {
    const folder = mkdtempSync(join(tmpdir(), 'signet-overrides-'));
    try {
      writeFileSync(join(folder, 'o.json'), text);
      use(join(folder, 'o.json'), folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test('name a providers file beside them', () => {
    withFile('{"providers_file":"signet.json","log_days":7}', (path, folder) => {
      expect(readOverrides({ stage: 'dev', path })).toEqual({
        providers_file: join(folder, 'signet.json'),
        log_days: 7,
      });
    });
  });

  test.each([
    ['[]', 'expected a JSON object'],
    ['{', 'expected JSON in'],
  ])('are refused as %s', (text, message) => {
    withFile(text, (path) => expect(() => readOverrides({ stage: 'dev', path })).toThrow(message));
  });

  test('are refused where there is no file', () => {
    expect(() => readOverrides({ stage: 'dev', path: '/nowhere/o.json' })).toThrow('ENOENT');
  });
});
