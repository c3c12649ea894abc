import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readSettings } from './read-settings.ts';
import { SettingsError } from './signet-json.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-settings-'));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const read = (environment: Record<string, string> = {}) =>
  readSettings({ environment: { SIGNET_HOME: home, ...environment } });

describe('settings', () => {
  test('have defaults for everything but are silent about providers', async () => {
    expect(await read()).toMatchObject({
      home,
      host: '127.0.0.1',
      port: 3001,
      remote: false,
      compute: 'auto',
      single_user: true,
      providers: [],
    });
  });

  test('take up the variables that other tools use', async () => {
    const { providers } = await read({ OPENAI_API_KEY: 'k', GROQ_API_KEY: 'k', OLLAMA_HOST: '127.0.0.1:11434' });
    expect(providers).toEqual([
      expect.objectContaining({ name: 'openai', base_url: 'https://api.openai.com/v1', api_key_env: 'OPENAI_API_KEY' }),
      expect.objectContaining({ name: 'groq' }),
      expect.objectContaining({ name: 'ollama', base_url: 'http://127.0.0.1:11434/v1', tier: 'local' }),
    ]);
    expect(JSON.stringify(providers)).not.toContain('"k"');
  });

  test('read providers of signet.json, keys by name only', async () => {
    const provider = { name: 'vllm', base_url: 'http://127.0.0.1:8000/v1', api_key_env: 'VLLM_KEY', tier: 'local' };
    await writeFile(join(home, 'signet.json'), JSON.stringify({ providers: [provider] }));
    const asOpenAi = {
      max_tokens_field: 'max_tokens',
      json_schema: true,
      tools: true,
      stream_usage: true,
      choices: true,
    };
    expect((await read()).providers).toEqual([{ ...provider, quirks: asOpenAi }]);
  });

  test('read how a server differs, and which models to offer', async () => {
    const provider = { name: 'small', base_url: 'http://127.0.0.1:8000/v1' };
    const quirks = {
      models: ['m-2', 'm-1'],
      max_tokens_field: 'max_completion_tokens',
      json_schema: false,
      tools: false,
      stream_usage: false,
      choices: false,
    };
    await writeFile(join(home, 'signet.json'), JSON.stringify({ providers: [{ ...provider, ...quirks }] }));
    expect((await read()).providers).toEqual([{ ...provider, tier: 'pool', quirks }]);
  });

  test.each([
    ['127.0.0.1', 'http://127.0.0.1:11434/v1'],
    ['0.0.0.0:11500', 'http://127.0.0.1:11500/v1'],
    ['box.lan', 'http://box.lan:11434/v1'],
    ['box.lan:80', 'http://box.lan/v1'],
    ['https://box.lan/', 'https://box.lan/v1'],
  ])('read OLLAMA_HOST=%s as Ollama does', async (host, base_url) => {
    expect((await read({ OLLAMA_HOST: host })).providers).toMatchObject([{ name: 'ollama', base_url }]);
  });

  test('take an empty variable for none', async () => {
    const { providers, port } = await read({
      OPENAI_API_KEY: '',
      OPENAI_BASE_URL: '',
      OLLAMA_HOST: '',
      SIGNET_PORT: '',
    });
    expect({ providers, port }).toEqual({ providers: [], port: 3001 });
  });

  test('refuse a file that is there but cannot be read', async () => {
    await mkdir(join(home, 'signet.json'));
    await expect(read()).rejects.toThrow(/to be able to read/);
  });

  test.each([
    ['a misspelt field', '{"provider": []}', /signet\.json/],
    [
      'a key in the file',
      '{"providers": [{"name": "a", "base_url": "http://a/v1", "api_key": "secret"}]}',
      /signet\.json/,
    ],
    ['what is not JSON', '{', /expected JSON/],
    ['a password in a URL', '{"providers": [{"name": "a", "base_url": "http://u:p@a/v1"}]}', /api_key_env/],
    ['the name of the built-in provider', '{"providers": [{"name": "edge", "base_url": "http://a/v1"}]}', /built-in/],
    ['an empty list of models', '{"providers": [{"name": "a", "base_url": "http://a/v1", "models": []}]}', /models/],
    ['a scheme that is not HTTP', '{"providers": [{"name": "a", "base_url": "file:///etc"}]}', /base_url/],
  ])('refuse %s', async (_what, text, expected) => {
    await writeFile(join(home, 'signet.json'), text);
    await expect(read()).rejects.toThrow(SettingsError);
    await expect(read()).rejects.toThrow(expected);
  });

  test('name every wrong variable at once', async () => {
    const wrong = read({ SIGNET_PORT: '70000', SIGNET_COMPUTE: 'gpu', SIGNET_LOG: 'loud', OPENAI_BASE_URL: 'nowhere' });
    await expect(wrong).rejects.toMatchObject({ problems: expect.arrayContaining([expect.stringContaining('70000')]) });
    await expect(
      read({ SIGNET_PORT: '70000', SIGNET_COMPUTE: 'gpu', SIGNET_LOG: 'loud', OPENAI_BASE_URL: 'nowhere' }),
    ).rejects.toMatchObject({ problems: { length: 4 } });
  });

  test('refuse two providers of one name', async () => {
    const provider = { name: 'openai', base_url: 'http://127.0.0.1:8000/v1' };
    await writeFile(join(home, 'signet.json'), JSON.stringify({ providers: [provider] }));
    await expect(read({ OPENAI_API_KEY: 'k' })).rejects.toThrow(/one provider named `openai`/);
  });
});
