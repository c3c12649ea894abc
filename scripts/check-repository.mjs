#!/usr/bin/env node
// Rules of the repository that no linter knows. Each prints every place where it does not hold.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolchain.mjs';

const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const problems = [];

licencesAreKnown();
lockfilesNameNoHost();
textHasNoMachine();
jsonParses();

for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);

/** Every npm package that is installed for use (not only for tests) has a licence that MIT code may ship with. */
function licencesAreKnown() {
  const allowed =
    /^(\(?(MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD|BlueOak-1\.0\.0|Unlicense|CC0-1\.0)( (OR|AND) )?)+\)?$/;
  const lock = JSON.parse(read('package-lock.json'));
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (!path.startsWith('node_modules/') || entry.dev || entry.link) continue;
    const licence = entry.license ?? installedLicence(path);
    if (licence === undefined && entry.optional) continue;
    if (!allowed.test(String(licence))) problems.push(`${path}: licence ${licence ?? 'unknown'} is not on the list`);
  }
}

function installedLicence(path) {
  try {
    return JSON.parse(read(`${path}/package.json`)).license;
  } catch {
    return undefined;
  }
}

/** A lockfile that names a host ties every user to it. */
function lockfilesNameNoHost() {
  for (const match of read('package-lock.json').matchAll(/"resolved": "(https?:[^"]*)"/g)) {
    problems.push(`package-lock.json: names the host of ${match[1]}`);
  }
}

/** Paths of one machine do not belong into the product. */
function textHasNoMachine() {
  const texts = files.filter(
    (file) => /\.(md|ts|mjs|rs|py|json|toml|yml|cedar|txt|sh)$/.test(file) || file === '.ci/run',
  );
  for (const file of texts) {
    if (file.endsWith('package-lock.json') || file.startsWith('scripts/check-repository')) continue;
    read(file)
      .split('\n')
      .forEach((line, index) => {
        if (/(^|[\s"'`(=])(\/root\/|\/home\/[a-z]+\/|\/work\/)/.test(line)) {
          problems.push(`${file}:${index + 1}: names a path of one machine`);
        }
      });
  }
}

function jsonParses() {
  for (const file of files.filter((name) => name.endsWith('.json') && !name.startsWith('shared/vectors/'))) {
    try {
      JSON.parse(read(file));
    } catch (error) {
      problems.push(`${file}: ${error.message}`);
    }
  }
}

function read(file) {
  return readFileSync(join(root, file), 'utf8');
}
