// The native parts: the addon that computes in process, and the executable that runs scripts outside of it.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';

export default {
  name: 'native',
  title: 'the native addon and the script sandbox',
  inputs: ['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'crates', 'bindings/node'].map(
    (path) => `rust-lambdas/${path}`,
  ),
  estimate_s: 420,

  async build({ out, root, run, step }) {
    const workspace = join(root, 'rust-lambdas');
    const cargo = (...args) => run('cargo', args, { cwd: workspace });
    step('compiling the native addon and the script sandbox');
    // In one command cargo gives both the features that the workspace's tests give them; in two it would compile
    // wasmtime once for each. See docs/decisions/0003.
    await cargo('build', '--release', '--locked', '-p', 'signet-node', '-p', 'sandbox');
    step('copying');
    const release = join(await targetFolder(workspace, run), 'release');
    copyFileSync(join(release, libraryName('signet_node')), join(out, 'signet.node'));
    copyFileSync(
      join(release, process.platform === 'win32' ? 'signet-sandbox.exe' : 'signet-sandbox'),
      join(out, 'signet-sandbox'),
    );
  },
};

/** `CARGO_TARGET_DIR` or a user's configuration may have moved it. */
export async function targetFolder(workspace, run) {
  const metadata = await run('cargo', ['metadata', '--format-version', '1', '--no-deps', '--locked'], {
    cwd: workspace,
  });
  return JSON.parse(metadata).target_directory;
}

function libraryName(crate) {
  if (process.platform === 'darwin') return `lib${crate}.dylib`;
  return process.platform === 'win32' ? `${crate}.dll` : `lib${crate}.so`;
}
