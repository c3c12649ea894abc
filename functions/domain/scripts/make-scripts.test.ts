import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openScriptWorld, type World } from '../../../tests/fixtures/script-world.ts';
import { digestOf } from './source-item.ts';

let world: World;
beforeEach(async () => {
  world = await openScriptWorld({ worker: false });
});
afterEach(() => world.close());

test('each text is a version by its digest, the name means the newest, and older ones stay', async () => {
  const { scripts } = world;
  const call = world.call();
  const first = await scripts.put(call, { name: 'report', source: 'print(1)' });
  await scripts.put(call, { name: 'report', source: 'print(2)' });
  expect(first.value).toMatchObject({ name: 'report', digest: digestOf('print(1)'), source: 'print(1)' });
  expect(first.receipt).toEqual(expect.any(String));
  expect(await scripts.get(call, { name: 'report' })).toMatchObject({ source: 'print(2)' });
  expect(await scripts.get(call, { name: 'report', digest: first.value.digest })).toEqual(first.value);
  expect(await scripts.byDigest('default', first.value.digest)).toBe('print(1)');
  expect((await scripts.list(call)).map(({ digest }) => digest)).toEqual([digestOf('print(2)')]);
  expect((await scripts.put(call, { name: 'report', source: 'print(1)' })).value).toEqual(first.value);
  expect(await scripts.get(call, { name: 'report' })).toEqual(first.value);
});

test('tenants see nothing of each other', async () => {
  const stranger = world.call({ principal: { kind: 'key', id: 'k2', tenant: 'other', scopes: [] } });
  const { value } = await world.scripts.put(world.call(), { name: 'mine', source: 'x = 1' });
  expect(await world.scripts.list(stranger)).toEqual([]);
  expect(await world.scripts.byDigest('other', value.digest)).toBeUndefined();
  await expect(world.scripts.get(stranger, { name: 'mine' })).rejects.toMatchObject({
    public: { code: 'script_not_found' },
  });
});

test('a script of the largest size comes back byte for byte, whatever it is made of', async () => {
  for (const source of [`#${'\u0001'.repeat(262_143)}`, `#${'é'.repeat(131_071)}`, `#${'\n'.repeat(262_143)}`]) {
    const { value } = await world.scripts.put(world.call(), { name: 'large', source });
    expect(await world.scripts.byDigest('default', value.digest)).toBe(source);
  }
});

test.each([
  ['a name with a slash', { name: 'a/b', source: 'x' }, 'name'],
  ['a name in capitals', { name: 'Report', source: 'x' }, 'name'],
  ['a name of 65 characters', { name: 'a'.repeat(65), source: 'x' }, 'name'],
  ['a name with a hash sign', { name: 'a#b', source: 'x' }, 'name'],
  ['a script over 256 KiB', { name: 'a', source: 'x'.repeat(262_145) }, 'source'],
  ['an empty script', { name: 'a', source: ' \n' }, 'source'],
  ['a script with NUL', { name: 'a', source: 'x\0y' }, 'source'],
])('%s is refused', async (_what, request, param) => {
  await expect(world.scripts.put(world.call(), request)).rejects.toMatchObject({
    public: { code: 'invalid_request', param },
  });
});

test('policy decides who puts and who reads', async () => {
  await world.scripts.put(world.call(), { name: 'a', source: 'x' });
  world.denied.add('manageScripts').add('read');
  await expect(world.scripts.put(world.call(), { name: 'a', source: 'y' })).rejects.toMatchObject({
    public: { code: 'policy_denied' },
    receipt: expect.any(String),
  });
  await expect(world.scripts.get(world.call(), { name: 'a' })).rejects.toMatchObject({
    public: { code: 'policy_denied' },
  });
  await expect(world.scripts.list(world.call())).rejects.toMatchObject({ public: { code: 'policy_denied' } });
});

test('an unknown digest, and what is none, are told apart', async () => {
  await world.scripts.put(world.call(), { name: 'a', source: 'x' });
  await expect(world.scripts.get(world.call(), { name: 'a', digest: 'f'.repeat(64) })).rejects.toMatchObject({
    public: { code: 'script_not_found' },
  });
  await expect(world.scripts.get(world.call(), { name: 'a', digest: 'latest' })).rejects.toMatchObject({
    public: { code: 'invalid_request', param: 'digest' },
  });
  expect(await world.scripts.byDigest('default', '../x')).toBeUndefined();
});
