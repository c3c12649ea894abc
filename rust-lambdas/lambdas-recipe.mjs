// The Rust Lambdas: a folder a function with its `bootstrap`, for arm64 (what is deployed) and for this machine (what
// tests and an emulator run). Why they are built in different ways: docs/decisions/0067.
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { assertRunsOnLambda } from '../scripts/elf.mjs';
import { placeFile } from '../scripts/place-file.mjs';
import { pythonPrograms } from '../scripts/python-environment.mjs';
import { targetFolder } from './recipe.mjs';

const functionNames = ['embed-text', 'score-vectors', 'sign-envelope', 'run-script'];
const arm64 = 'aarch64-unknown-linux-gnu';

const sources = ['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'crates', 'lambdas', 'lambdas-recipe.mjs'].map(
  (path) => `rust-lambdas/${path}`,
);

export const recipes = {
  'lambdas-arm64': {
    name: 'lambdas-arm64',
    title: 'the Rust Lambdas for arm64',
    inputs: [...sources, 'rust-lambdas/lambda-tools.txt', 'shared/limits.json'],
    estimate_s: 480,
    build: buildForArm64,
  },
  'lambdas-host': {
    name: 'lambdas-host',
    title: 'the Rust Lambdas for this machine',
    inputs: [...sources, 'shared/limits.json'],
    estimate_s: 480,
    build: buildForHost,
  },
};

/**
 * With cargo-lambda, whose linker (zig) is a package as well: the same bytes on every machine, whatever compiler for
 * arm64 it has or lacks. `root` and `target` may be any folders: neither is in the bytes (`scripts/check-rebuild.mjs`).
 * @param {{out: string, root: string, cache: string, run: Function, step: Function, target?: string}} request
 */
export async function buildForArm64({ out, root, cache, run, step, target = join(cache, 'target') }) {
  const workspace = join(root, 'rust-lambdas');
  step('installing the cross compiler');
  const programs = await pythonPrograms({ requirements: join(workspace, 'lambda-tools.txt'), cache, run });
  await ensureArm64Library({ workspace, run });
  step('fetching crates');
  await run('cargo', ['fetch', '--locked', '--target', arm64], { cwd: workspace });
  step('compiling the Rust Lambdas for arm64');
  const env = {
    ...process.env,
    PATH: `${programs}${delimiter}${process.env.PATH}`,
    // One of its own, or a build of the local product would wait for it.
    CARGO_TARGET_DIR: target,
    CARGO_ENCODED_RUSTFLAGS: flags(root).join('\x1f'),
    CARGO_ZIGBUILD_CACHE_DIR: join(cache, 'wrappers'),
    ZIG_GLOBAL_CACHE_DIR: join(cache, 'zig'),
  };
  // It would set its own profile (thin LTO, one unit, abort on panic): ours is the one that is tested.
  const build = ['lambda', 'build', '--release', '--locked', '--arm64', '--disable-optimizations'];
  const into = ['--lambda-dir', join(target, 'lambda')];
  await run(join(programs, 'cargo-lambda'), [...build, ...into, ...packages], { cwd: workspace, env });
  const from = (name) => join(target, 'lambda', name, 'bootstrap');
  for (const name of [...functionNames, 'signet-sandbox']) assertRunsOnLambda(from(name));
  collect({ out, from });
}

/** In one command with the addon, as in `recipe.mjs`: then all of it takes the same features and is compiled once. */
async function buildForHost({ out, root, run, step }) {
  const workspace = join(root, 'rust-lambdas');
  step('compiling the Rust Lambdas for this machine');
  await run('cargo', ['build', '--release', '--locked', '-p', 'signet-node', ...packages], { cwd: workspace });
  const release = join(await targetFolder(workspace, run), 'release');
  collect({ out, from: (name) => join(release, name) });
}

const packages = ['sandbox', ...functionNames].flatMap((name) => ['-p', name]);

function collect({ out, from }) {
  for (const name of functionNames) placeFile(from(name), join(out, name, 'bootstrap'), { executable: true });
  placeFile(from('signet-sandbox'), join(out, 'run-script', 'signet-sandbox'), { executable: true });
}

/** For Graviton2 and newer, which is every Lambda on arm64, and without the folders of this machine. */
function flags(root) {
  const registry = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry', 'src');
  const crates = existsSync(registry) ? readdirSync(registry).map((name) => [join(registry, name), '/crates']) : [];
  const renamed = [[root, '/signet'], ...crates].map(([from, to]) => `--remap-path-prefix=${from}=${to}`);
  return ['-Ctarget-cpu=neoverse-n1', ...renamed];
}

/** The standard library for arm64. */
async function ensureArm64Library({ workspace, run }) {
  const folder = await run('rustc', ['--print', 'target-libdir', '--target', arm64], { cwd: workspace });
  if (existsSync(folder.trim())) return;
  await run('rustup', ['target', 'add', arm64], { cwd: workspace });
}
