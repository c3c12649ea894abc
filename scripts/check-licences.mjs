// Which licences a dependency may have, for both package managers.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './toolchain.mjs';

/** What MIT code may be shipped with when its notice is kept. A licence that is not here is a decision, not a detail. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'BSL-1.0',
  'CC0-1.0',
  // Mozilla's list of certificate authorities (webpki-roots): data, to be passed on with this text.
  'CDLA-Permissive-2.0',
  'ISC',
  'MIT',
  'Unicode-3.0',
  'Unlicense',
  'Zlib',
]);

/** npm packages that are installed for use; those only for tests ship with nothing. */
export function npmLicenceProblems() {
  return [root, join(root, 'infra')].flatMap((folder) => {
    const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
    return Object.entries(lock.packages)
      .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.dev && !entry.link)
      .map(([path, entry]) => ({ path: join(folder, path), licence: entry.license, optional: entry.optional }))
      .map(({ path, licence, optional }) => ({ path, licence: licence ?? installedLicence(path), optional }))
      .filter(({ licence, optional }) => !(licence === undefined && optional) && !isAllowed(licence))
      .map(({ path, licence }) => `${relative(root, path)}: licence ${licence ?? 'unknown'} is not on the list`);
  });
}

/** Crates that the locked graph takes on the platforms we build for. */
export function rustLicenceProblems() {
  const platforms = ['x86_64-unknown-linux-gnu', 'aarch64-unknown-linux-gnu', 'wasm32-unknown-unknown'].flatMap((p) => [
    '--filter-platform',
    p,
  ]);
  const text = execFileSync('cargo', ['metadata', '--locked', '--format-version', '1', ...platforms], {
    cwd: join(root, 'rust-lambdas'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  return JSON.parse(text)
    .packages.filter(({ license }) => !isAllowed(license))
    .map(({ name, license }) => `crate ${name}: licence ${license ?? 'unknown'} is not on the list`);
}

/**
 * Reads an SPDX expression as far as packages write them: of alternatives one must be allowed, of a conjunction each.
 * The old spelling `MIT/Apache-2.0` means OR.
 */
export function isAllowed(expression) {
  if (typeof expression !== 'string') return false;
  const tokens = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? [];
  let next = 0;
  const answer = either();
  return answer && next === tokens.length;

  function either() {
    let holds = both();
    while (tokens[next] === 'OR') {
      next += 1;
      holds = both() || holds;
    }
    return holds;
  }

  function both() {
    let holds = one();
    while (tokens[next] === 'AND') {
      next += 1;
      holds = one() && holds;
    }
    return holds;
  }

  function one() {
    if (tokens[next] === '(') {
      next += 1;
      const holds = either();
      next += 1;
      return holds;
    }
    let name = tokens[next];
    next += 1;
    if (tokens[next] === 'WITH') {
      name += ` WITH ${tokens[next + 1]}`;
      next += 2;
    }
    return allowed.has(name);
  }
}

function installedLicence(path) {
  try {
    return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')).license;
  } catch {
    return undefined;
  }
}
