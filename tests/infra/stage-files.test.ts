import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findArtefacts } from '../../infra/artefacts.ts';
import { makeConfig } from '../../infra/config.ts';
import { GenesisMissingError, placeholder, writeStageFiles } from '../../infra/stage-files.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signet-stage-files-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const put = (name: string, value: unknown) => {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};
const write = (genesis: string, providers_file?: string) => {
  const overrides = providers_file === undefined ? {} : { providers_file };
  return writeStageFiles({ config: makeConfig({ stage: 'prod', overrides }), genesis, build_folder: folder });
};

describe('the files of a stage', () => {
  test('are its genesis, byte for byte, and its providers', () => {
    const text = '{ "format": 1,  "stage": "prod" }\n';
    const providers = { providers: [{ name: 'a', base_url: 'https://a.example/v1', api_key_env: 'A_KEY' }] };
    const layer = write(put('genesis.json', text), put('providers.json', providers));
    expect(readFileSync(join(layer, 'signet/genesis.json'), 'utf8')).toBe(text);
    expect(JSON.parse(readFileSync(join(layer, 'signet/signet.json'), 'utf8'))).toEqual(providers);
  });

  test('lie in a folder that is named by their content', () => {
    const first = write(put('first.json', { format: 1, stage: 'prod', n: 1 }));
    expect(write(put('again.json', { format: 1, stage: 'prod', n: 1 }))).toBe(first);
    expect(write(put('other.json', { format: 1, stage: 'prod', n: 2 }))).not.toBe(first);
    expect(readdirSync(join(first, 'signet'))).toEqual(['genesis.json']);
  });

  test('without a genesis: the error names the command that makes it', () => {
    const missing = () => write(join(folder, 'absent.json'));
    expect(missing).toThrow(GenesisMissingError);
    expect(missing).toThrow('`npm run deploy -- --stage prod` makes it');
  });

  test.each([
    ['another stage', { format: 1, stage: 'dev' }, 'got one of `dev`'],
    ['another format', { format: 2, stage: 'prod' }, 'expected a genesis of format 1'],
    ['the placeholder', { format: 1, placeholder: true }, 'got one of `undefined`'],
    ['no JSON', '{', 'expected JSON in'],
  ])('a genesis of %s is refused', (_what, value, message) => {
    expect(() => write(put('wrong.json', value))).toThrow(message);
  });

  test.each([
    ['unknown fields', { provider: [] }, 'provider'],
    ['keys in place of their names', { providers: [{ name: 'a', base_url: 'https://k:s@a.example' }] }, 'api_key_env'],
    ['no JSON', 'x', 'expected JSON in'],
  ])('providers with %s are refused before anything is deployed', (_what, value, message) => {
    expect(() => write(placeholder, put('wrong-providers.json', value))).toThrow(message);
  });

  test('a providers file that is not there is refused', () => {
    expect(() => write(placeholder, join(folder, 'absent.json'))).toThrow('`providers_file`: cannot read');
  });
});

describe('artefacts', () => {
  test('one that is not built is named with the command that builds it', () => {
    const config = makeConfig({ stage: 'dev' });
    expect(() => findArtefacts({ config, build_folder: folder })).toThrow('npm run build -- functions');
  });
});
