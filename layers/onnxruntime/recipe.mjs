// The ONNX Runtime library as a layer: `/opt/lib/libonnxruntime.so.1`, for arm64 (what is deployed) and for this machine
// (what an emulator runs). What else it needs is in the runtime's image: docs/decisions/0068.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assertRunsOnLambda } from '../../scripts/elf.mjs';
import { placeFile } from '../../scripts/place-file.mjs';

const here = 'layers/onnxruntime';
const inputs = [`${here}/pins.json`, `${here}/recipe.mjs`];

export const recipes = {
  'layer-onnxruntime-arm64': recipe('arm64', 'arm64', 'linux-arm64'),
  'layer-onnxruntime-host': recipe('host', 'this machine', `${process.platform}-${process.arch}`),
};

function recipe(suffix, machine, platform) {
  return {
    name: `layer-onnxruntime-${suffix}`,
    title: `the layer with ONNX Runtime for ${machine}`,
    inputs,
    estimate_s: 2,
    async build({ out, root, step }) {
      step('copying');
      const library = pinnedLibrary({ root, platform });
      if (suffix === 'arm64') assertRunsOnLambda(library);
      placeFile(library, join(out, 'lib', 'libonnxruntime.so.1'));
    },
  };
}

/**
 * @returns the path of the library of the installed package
 * @throws if none is pinned for the platform, or the file is not the pinned one
 */
export function pinnedLibrary({ root, platform }) {
  const { package: name, version, platforms } = JSON.parse(readFileSync(join(root, here, 'pins.json'), 'utf8'));
  const pin = platforms[platform];
  if (pin === undefined) {
    throw new Error(`no ONNX Runtime is pinned for ${platform}, only for ${Object.keys(platforms).join(', ')}`);
  }
  const path = join(root, 'node_modules', name, pin.file);
  if (!existsSync(path)) throw new Error(`\`${name}\` is not installed; run npm ci --ignore-scripts`);
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  if (sha256 !== pin.sha256) {
    throw new Error(`${pin.file} of ${name}: expected SHA-256 ${pin.sha256} (version ${version}), got ${sha256}`);
  }
  return path;
}
