import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const libraries = join(root, 'node_modules/onnxruntime-node/bin/napi-v6/linux');
const arm64 = join(libraries, 'arm64/libonnxruntime.so.1');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signet-elf-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What `scripts/elf.mjs`, which builds call, says of a file; empty when it may be deployed. */
function verdict(path: string): string {
  const script = `
    import { assertRunsOnLambda } from ${JSON.stringify(join(root, 'scripts/elf.mjs'))};
    try { assertRunsOnLambda(${JSON.stringify(path)}); } catch (error) { console.log(error.message); }`;
  return execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }).trim();
}

test('the library for arm64 needs nothing that Amazon Linux 2023 lacks', () => {
  expect(verdict(arm64)).toBe('');
});

test('a binary for another machine is refused', () => {
  expect(verdict(join(libraries, 'x64/libonnxruntime.so.1'))).toMatch(/for arm64, got x64$/);
});

test.each([
  ['GLIBC_2.28', 'GLIBC_2.35'],
  ['GLIBCXX_3.4.22', 'GLIBCXX_3.4.30'],
  ['CXXABI_1.3.11', 'CXXABI_1.3.14'],
])('a binary that needs more than %s is refused', (there, missing) => {
  const bytes = readFileSync(arm64);
  for (let at = bytes.indexOf(`${there}\0`); at >= 0; at = bytes.indexOf(`${there}\0`, at)) bytes.write(missing, at);
  const path = join(folder, missing);
  writeFileSync(path, bytes);
  expect(verdict(path)).toMatch(new RegExp(`lacks: .*${missing}`));
});

test('what is no binary is refused', () => {
  expect(verdict(join(root, 'package.json'))).toMatch(/is not a 64-bit little-endian ELF file$/);
});
