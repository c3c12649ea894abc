// The commands of `scripts/` before they install, build or reach AWS: what they teach, and what they refuse.
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
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

describe('synth', () => {
  test.each<[string, string[], RegExp]>([
    ['a stage that is none', ['--stage', 'My Stage'], /expected a stage of 1 to 20 characters/],
    ['a word too many', ['dev'], /dev/],
    ['a configuration that is not there', ['--overrides', 'nowhere.json'], /expected JSON in nowhere\.json: ENOENT/],
  ])('refuses %s with its usage', async (_what, args, message) => {
    const { code, stderr } = await command('synth', args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('Usage: npm run synth');
  });
});

test('bench refuses an area that is none, naming those of tests/load/bench.ts', async () => {
  const [, listed = ''] =
    /areas: .*? = \{\n(.*?)\n\};/s.exec(await readFile(join(repository, 'tests', 'load', 'bench.ts'), 'utf8')) ?? [];
  const areas = [...listed.matchAll(/^ {2}(\w+):/gm)].map(([, area]) => area);
  const { code, stderr } = await command('bench', ['gateway', 'nothing']);
  expect(code).toBe(2);
  expect(stderr).toBe(`expected areas among ${areas.join(', ')}, got nothing\n`);
});

test('invoke says which cases there are', async () => {
  const cases = (await readdir(join(repository, 'events', 'sweep-due')))
    .map((file) => file.replace(/\.json$/, ''))
    .sort();
  const { code, stderr } = await command('invoke', ['sweep-due']);
  expect(code).toBe(2);
  expect(stderr).toContain(`expected a case of \`sweep-due\` among ${cases.join(', ')}, got none`);
});

test('every command answers --help before anything is installed or built', async () => {
  for (const part of ['scripts', 'events', 'tests']) {
    await cp(join(repository, part), join(folder, part), { recursive: true });
  }
  const before = (await readdir(folder)).sort();
  const { scripts } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const files = Object.values(scripts).flatMap((line) => /^node scripts\/(\S+)\.mjs/.exec(line)?.[1] ?? []);
  expect(files).toContain('test-e2e');
  const answers = await Promise.all(files.map((file) => command(file, ['--help'], folder)));
  for (const { code, stdout, stderr } of answers) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/npm (run|test)/);
  }
  expect((await readdir(folder)).sort()).toEqual(before);
});

function command(
  name: string,
  args: readonly string[],
  root = repository,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const environment = { PATH: process.env['PATH'], HOME: folder, SIGNET_HOME: folder };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(root, 'scripts', `${name}.mjs`), ...args],
      { cwd: root, env: environment },
      (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.end();
  });
}
