// Do the commands that build native parts ask for the same features of each crate? Cargo unifies features over what one
// command selects; where two commands differ, it compiles the crate and all that stands on it once for each, and wasmtime
// alone takes minutes. See docs/decisions/0064.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './toolchain.mjs';

/** What is selected by whom. Tests and lint select the whole workspace. */
const selections = {
  'npm start': ['signet-node', 'sandbox'],
  'the Rust Lambdas': ['signet-node', 'sandbox', 'embed-text', 'run-script', 'score-vectors', 'sign-envelope'],
};

/** One line for each crate that a selection gives other features than the workspace does. */
export function featureProblems() {
  const workspace = new Set(crates(['--workspace'], 'normal,build,dev'));
  return Object.entries(selections).flatMap(([name, packages]) =>
    crates(
      packages.flatMap((one) => ['-p', one]),
      'normal,build',
    )
      .filter((line) => !workspace.has(line))
      .map((line) => `${name} builds ${line}, the workspace another set: even them in bindings/node/Cargo.toml`),
  );
}

/** `name version [features]` of everything that a selection compiles by these kinds of dependencies. */
function crates(selection, kinds) {
  const format = ['-e', kinds, '-f', '{p} [{f}]', '--prefix', 'none'];
  const text = execFileSync('cargo', ['tree', '--locked', ...selection, ...format], {
    cwd: join(root, 'rust-lambdas'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 1 << 26,
  });
  const lines = text.split('\n').map((line) => line.replace(/ \(\*\)$/, ''));
  return [...new Set(lines)].filter((line) => line !== '');
}
