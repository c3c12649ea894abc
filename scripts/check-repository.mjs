#!/usr/bin/env node
// Rules of the repository that no linter knows. Each prints every place where it does not hold.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentProblems } from './check-documents.mjs';
import { featureProblems } from './check-features.mjs';
import { npmLicenceProblems, rustLicenceProblems } from './check-licences.mjs';
import { root } from './toolchain.mjs';

const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(root, file)));

const problems = [
  ...npmLicenceProblems(),
  ...rustLicenceProblems(),
  ...featureProblems(),
  ...documentProblems(),
  ...lockfileHosts(),
  ...machinePaths(),
  ...brokenJson(),
  ...lostExecuteBits(),
  ...copiedThresholds(),
];
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);

/** A lockfile that names a host ties every user to it; crates.io's index is the name that every Cargo.lock carries. */
function lockfileHosts() {
  const npm = ['package-lock.json', 'infra/package-lock.json'].flatMap((file) =>
    [...read(file).matchAll(/"resolved": "(https?:[^"]*)"/g)].map(([, host]) => `${file}: names the host of ${host}`),
  );
  const index = 'registry+https://github.com/rust-lang/crates.io-index';
  const cargo = files
    .filter((file) => file.endsWith('Cargo.lock'))
    .flatMap((file) => [...read(file).matchAll(/^source = "(.*)"$/gm)].map(([, source]) => ({ file, source })))
    .filter(({ source }) => source !== index);
  return [...npm, ...cargo.map(([, source]) => `rust-lambdas/Cargo.lock: takes a crate from ${source}`)];
}

/** Paths of one machine do not belong into the product. */
function machinePaths() {
  const isText = (file) =>
    /\.(md|ts|mjs|rs|py|json|toml|yml|cedar|txt|sh)$/.test(file) || file === '.ci/run' || file.startsWith('.githooks/');
  return files
    .filter((file) => isText(file) && file !== 'package-lock.json' && file !== 'scripts/check-repository.mjs')
    .flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) =>
          /(^|[\s"'`(=])(\/root\/|\/home\/[a-z]+\/|\/work\/)/.test(line)
            ? [`${file}:${index + 1}: names a path of one machine`]
            : [],
        ),
    );
}

/** Vectors of the strict parser are texts inside JSON, so every file parses. */
function brokenJson() {
  return files
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      try {
        JSON.parse(read(file));
        return [];
      } catch (error) {
        return [`${file}: ${error.message}`];
      }
    });
}

/** A clone takes the bit from git: `.ci/run` and the hook do not start without it. */
function lostExecuteBits() {
  const listed = execFileSync('git', ['ls-files', '--stage', '.ci', '.githooks'], { cwd: root, encoding: 'utf8' });
  return listed
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('100755 '))
    .map((line) => `${line.split('\t')[1]}: is not executable in git`);
}

function read(file) {
  return readFileSync(join(root, file), 'utf8');
}

/** The signed constitution is the only place of its thresholds: code that knows one would judge by what nobody signed. */
function copiedThresholds() {
  const { thresholds } = JSON.parse(read('functions/domain/constitution/template.json'));
  const written = Object.values(thresholds).map((value) => String(value).replace(/(?=(?:\d{3})+$)/g, '_?'));
  const copy = new RegExp(`(?<![\\w.])(?:${written.join('|')})(?![\\w.])`);
  const isCode = (file) => /^(functions|clients|infra)\/.*\.(ts|mjs)$/.test(file) && !file.endsWith('.test.ts');
  return files.filter(isCode).flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) =>
        copy.test(line) ? [`${file}:${index + 1}: repeats a threshold of the constitution (${line.trim()})`] : [],
      ),
  );
}
