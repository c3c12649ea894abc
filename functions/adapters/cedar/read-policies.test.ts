import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PolicyRefusedError } from './check-policies.ts';
import { readPolicies } from './read-policies.ts';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
let root: string;
const file = (name: string) => join(root, 'shared', 'policies', name);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'signet-policies-'));
  await cp(join(repository, 'shared', 'policies'), join(root, 'shared', 'policies'), { recursive: true });
});

afterEach(() => rm(root, { recursive: true }));

test('checks plain sources', async () => {
  const { policy_version, policies } = await readPolicies(root);
  expect(policy_version).toMatch(/^[0-9a-f]{64}$/);
  expect(Object.keys(policies).length).toBeGreaterThan(10);
});

test('refuses sources that do not fit', async () => {
  await writeFile(file('permits.cedar'), '@id("a") permit(principal, action, resource) when { context.nothing == 1 };');
  await expect(readPolicies(root)).rejects.toThrow(PolicyRefusedError);
});

test('takes what a bundle carries as it is', async () => {
  const checked = { policy_version: 'v', policies: { a: '@id("a") permit(principal, action, resource);' } };
  await writeFile(file('checked.json'), JSON.stringify(checked));
  expect(await readPolicies(root)).toEqual(checked);
});

test('a damaged bundle is an error, not another set of policies', async () => {
  await writeFile(file('checked.json'), '{');
  await expect(readPolicies(root)).rejects.toThrow(SyntaxError);
});

test('where there are no policies nothing opens', async () => {
  await rm(file('permits.cedar'));
  await expect(readPolicies(root)).rejects.toThrow('ENOENT');
});
