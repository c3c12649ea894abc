// `npm run deploy` and `npm run destroy` before they reach AWS: what they refuse, and what they say then.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-commands-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(['deploy', 'destroy'])('%s', (name) => {
  test('teaches by example', async () => {
    const { code, stdout, stderr } = await command(name, ['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`Examples:\\n  npm run ${name} -- --stage dev`));
  });

  test.each<[string, string[], RegExp]>([
    ['no stage', [], /expected --stage, such as --stage dev/],
    ['a stage without its name', ['--stage'], /--stage/],
    ['an option that is none', ['--stage', 'dev', '--force'], /--force/],
    ['a word too many', ['--stage', 'dev', 'prod'], /prod/],
    ['a stage that is none', ['--stage', 'My Stage', '--yes'], /expected a stage of 1 to 20 characters/],
  ])('refuses %s with its usage', async (_what, args, message) => {
    const { code, stdout, stderr } = await command(name, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toContain(`Usage: npm run ${name}`);
  });
});

describe('deploy', () => {
  test.each<[string, string, RegExp]>([
    ['no JSON', '{', /expected JSON in/],
    ['an unknown value', '{"keep_data": true}', /keep_data/],
    ['a value out of range', '{"log_days": 2}', /log_days/],
  ])('refuses a configuration with %s', async (_what, text, message) => {
    const path = join(folder, 'stage.json');
    await writeFile(path, text);
    const { code, stderr } = await command('deploy', ['--stage', 'dev', '--overrides', path, '--yes']);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

function command(name: string, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const environment = { PATH: process.env['PATH'], HOME: folder, SIGNET_HOME: folder };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(repository, 'scripts', `${name}.mjs`), ...args],
      { cwd: repository, env: environment },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });
}
