// The script image as a layer: `/opt/script-image`. For this machine it is the local product's; for arm64 the same
// snapshot of the interpreter is compiled anew.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildArtefact } from '../../scripts/artefacts.mjs';
import { placeFile, placeJson } from '../../scripts/place-file.mjs';
import { buildFolder } from '../../scripts/toolchain.mjs';
import scriptImage, { describe, ensureSnapshot } from './recipe.mjs';

const here = 'layers/script-image';
const compiler = `${here}/compiler`;
const arm64 = 'aarch64-unknown-linux-gnu';
const files = ['script-image.cwasm', 'image.json'];

export const recipes = {
  'layer-script-image-host': {
    name: 'layer-script-image-host',
    title: 'the layer with the script image for this machine',
    inputs: [...scriptImage.inputs, `${here}/layer-recipe.mjs`],
    estimate_s: scriptImage.estimate_s,

    async build({ out, step }) {
      const { folder } = await buildArtefact(scriptImage, step);
      step('copying');
      const built = join(buildFolder, scriptImage.name, folder);
      for (const file of files) placeFile(join(built, file), join(out, 'script-image', file));
    },
  },

  'layer-script-image-arm64': {
    name: 'layer-script-image-arm64',
    title: 'the layer with the script image for arm64',
    inputs: [
      ...scriptImage.inputs,
      `${here}/layer-recipe.mjs`,
      ...['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'src'].map((path) => `${compiler}/${path}`),
      'rust-lambdas/crates/sandbox/src/settings.rs',
    ],
    estimate_s: 240,

    async build({ out, root, cache, run, step }) {
      const workspace = join(root, compiler);
      step('compiling the compiler of images');
      const target = join(cache, 'target');
      await run('cargo', ['build', '--release', '--locked', '--target-dir', target], { cwd: workspace });
      const component = await ensureSnapshot({ root, cache: join(buildFolder, 'cache', scriptImage.name), run, step });
      step('compiling the image for arm64');
      const image = join(cache, 'script-image.cwasm');
      await run(join(target, 'release', 'script-image-compiler'), [component, image, arm64], {});
      placeFile(image, join(out, 'script-image', files[0]));
      const facts = await describe({ root, image, component, target: arm64, compiled_with: compilerVersion(workspace) });
      placeJson(facts, join(out, 'script-image', files[1]));
    },
  },
};

function compilerVersion(workspace) {
  const lock = readFileSync(join(workspace, 'Cargo.lock'), 'utf8');
  return /^name = "wasmtime"\nversion = "(.*)"$/m.exec(lock)?.[1];
}
