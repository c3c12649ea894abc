// The default embedding model as a layer: `/opt/models/<id>`. It is made of the files that the local product was built
// with; only the form of the graph is another, since a cold start waits until it is open (decision 0096).
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { buildArtefact } from '../../scripts/artefacts.mjs';
import { placeFile, placeJson } from '../../scripts/place-file.mjs';
import { buildFolder } from '../../scripts/toolchain.mjs';
import models from './recipe.mjs';

const here = 'layers/models';
const own = [`${here}/layer-recipe.mjs`, `${here}/map-weights.mjs`, 'layers/onnxruntime/package.json'];

export default {
  name: 'layer-model',
  title: 'the layer with the embedding model',
  inputs: [...models.inputs, ...own],
  estimate_s: models.estimate_s,

  async build({ out, root, cache, run, step }) {
    const { folder } = await buildArtefact(models, step);
    const source = join(buildFolder, models.name, folder);
    const registry = JSON.parse(readFileSync(join(root, here, 'models.json'), 'utf8'));
    const target = join(out, 'models', registry.default);
    const facts = JSON.parse(readFileSync(join(source, 'model.json'), 'utf8'));
    const precisions = [];
    for (const { name, file } of facts.precisions) {
      step('laying out the weights');
      const data = file.replace(/\.onnx$/, '.data');
      const made = join(cache, 'mapped');
      rmSync(made, { recursive: true, force: true });
      mkdirSync(made, { recursive: true });
      await run(process.execPath, [join(root, here, 'map-weights.mjs'), join(source, file), join(made, file), data]);
      for (const one of [file, data]) placeFile(join(made, one), join(target, one));
      rmSync(made, { recursive: true });
      precisions.push({ name, ...(await described(target, file)), data: await described(target, data) });
    }
    placeFile(join(source, 'tokenizer.json'), join(target, 'tokenizer.json'));
    placeJson({ ...facts, precisions }, join(target, 'model.json'));
  },
};

async function described(folder, file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(folder, file)), hash);
  return { file, sha256: hash.digest('hex'), bytes: statSync(join(folder, file)).size };
}
