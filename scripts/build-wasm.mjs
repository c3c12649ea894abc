// Makes functions/adapters/wasm/signet.wasm, the blob that computes before anything is built, and its record.
//
//   node scripts/build-wasm.mjs                  build, copy, write the record
//   node scripts/build-wasm.mjs --check          is the blob the recorded one, are its sources the recorded ones? (no Rust)
//   node scripts/build-wasm.mjs --rebuild-check  build and compare the bytes
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const workspace = join(root, 'rust-lambdas');
const blobPath = join(root, 'functions/adapters/wasm/signet.wasm');
const recordPath = `${blobPath}.json`;
const target = 'wasm32-unknown-unknown';
const refresh = 'refresh with: node scripts/build-wasm.mjs';

/** What decides the bytes, beside the manifest and the locked versions. Files of tests do not. */
const inputs = [
  'rust-toolchain.toml',
  'bindings/wasm',
  'crates/compute',
  'crates/gates',
  'crates/kernels',
  'crates/search',
  'crates/segments',
  'crates/signing',
  'crates/translog',
];

const mode = process.argv[2];
if (mode === '--check') check();
else if (mode === '--rebuild-check') rebuildCheck();
else if (mode === undefined) write();
else fail(`unknown option \`${mode}\``);

function write() {
  const built = build();
  writeFileSync(blobPath, readFileSync(built));
  const record = { blob_sha256: sha256(readFileSync(blobPath)), inputs_sha256: inputsDigest(), toolchain: toolchain() };
  writeFileSync(recordPath, `${JSON.stringify(record, null, 2)}\n`);
  console.log(
    `wrote ${relative(root, blobPath)}, ${readFileSync(blobPath).length} bytes, sha256 ${record.blob_sha256}`,
  );
}

function check() {
  const record = JSON.parse(readFileSync(recordPath, 'utf8'));
  if (sha256(readFileSync(blobPath)) !== record.blob_sha256) fail(`signet.wasm is not the recorded blob; ${refresh}`);
  if (inputsDigest() !== record.inputs_sha256) fail(`signet.wasm is older than its sources; ${refresh}`);
  console.log('signet.wasm is fresh');
}

function rebuildCheck() {
  if (!readFileSync(build()).equals(readFileSync(blobPath))) fail(`a rebuild gives other bytes; ${refresh}`);
  console.log('a rebuild gives the same bytes');
}

/** Builds without the folders of this machine in the bytes, and gives the path of the result. */
function build() {
  ensureTarget();
  const cargoHome = process.env.CARGO_HOME ?? join(homedir(), '.cargo');
  const flags = [
    '-Ctarget-feature=+simd128',
    `--remap-path-prefix=${workspace}=/signet`,
    `--remap-path-prefix=${cargoHome}=/cargo`,
  ];
  const environment = { ...process.env, CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f') };
  delete environment.RUSTFLAGS;
  command('cargo', ['build', '--release', '--locked', '-p', 'signet-wasm', '--target', target], environment);
  const { target_directory: folder } = JSON.parse(
    command('cargo', ['metadata', '--format-version', '1', '--no-deps'], environment, 'pipe'),
  );
  return join(folder, target, 'release', 'signet_wasm.wasm');
}

/** `rust-toolchain.toml` installs no targets by itself where automatic installs are off. */
function ensureTarget() {
  const installed = command(
    'rustup',
    ['target', 'list', '--installed', '--toolchain', toolchain()],
    process.env,
    'pipe',
  );
  if (!installed.split('\n').includes(target)) {
    command('rustup', ['target', 'add', '--toolchain', toolchain(), target], process.env);
  }
}

function toolchain() {
  const text = readFileSync(join(workspace, 'rust-toolchain.toml'), 'utf8');
  return /^channel = "(.+)"$/m.exec(text)?.[1] ?? fail('expected a `channel` in rust-toolchain.toml');
}

function inputsDigest() {
  const hash = createHash('sha256');
  for (const path of inputs.flatMap((input) => filesOf(join(workspace, input))).sort()) {
    hash.update(`${relative(workspace, path)}\0${sha256(readFileSync(path))}\n`);
  }
  const packages = lockedPackages('signet-wasm');
  for (const one of packages) hash.update(one.block);
  for (const line of manifestLines(packages.map((one) => one.name))) hash.update(line);
  return hash.digest('hex');
}

/** The blocks of the lockfile that a package reaches, so that a new version elsewhere does not make the blob stale. */
function lockedPackages(name) {
  const blocks = readFileSync(join(workspace, 'Cargo.lock'), 'utf8')
    .split('\n\n')
    .map((block) => block.trim());
  const packages = blocks.flatMap((block) => {
    const [, name, version] = /^\[\[package\]\]\nname = "(.+)"\nversion = "(.+)"$/m.exec(block) ?? [];
    const [, list = ''] = /^dependencies = \[\n([^\]]*)\]/m.exec(block) ?? [];
    const dependencies = [...list.matchAll(/"(\S+?)(?: (\S+?))?(?: .*)?"/g)].map(([, name, version]) => ({
      name,
      version,
    }));
    return name === undefined ? [] : [{ name, version, block, dependencies }];
  });
  const reached = new Set();
  const visit = (wanted) => {
    for (const one of packages) {
      const isWanted = one.name === wanted.name && (wanted.version === undefined || one.version === wanted.version);
      if (!isWanted || reached.has(one)) continue;
      reached.add(one);
      one.dependencies.forEach(visit);
    }
  };
  visit({ name });
  return [...reached].sort((a, b) => (a.block < b.block ? -1 : 1));
}

/** The workspace's manifest without its members and without the dependencies that these packages do not have. */
function manifestLines(names) {
  const lines = readFileSync(join(workspace, 'Cargo.toml'), 'utf8').split('\n');
  let section = '';
  return lines.filter((line) => {
    if (line.startsWith('[')) section = line;
    if (section === '[workspace]' || line.startsWith('#')) return false;
    return section !== '[workspace.dependencies]' || names.includes(line.split(' ')[0]);
  });
}

function filesOf(path) {
  let entries;
  try {
    entries = readdirSync(path, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
  return entries
    .filter((entry) => entry.isFile() && entry.name !== 'tests.rs')
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function command(program, args, env, stdout = 'inherit') {
  const ended = spawnSync(program, args, {
    cwd: workspace,
    env,
    stdio: ['ignore', stdout, 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (ended.error?.code === 'ENOENT') fail(`\`${program}\` is not installed; see https://rustup.rs`);
  if (ended.status !== 0) fail(`\`${program} ${args.join(' ')}\` ended with ${ended.status ?? ended.signal}`);
  return ended.stdout ?? '';
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
