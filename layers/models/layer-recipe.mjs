// The default embedding model as a layer: `/opt/models/<id>`. The files are those that the local product was built with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildArtefact } from '../../scripts/artefacts.mjs';
import { placeFile } from '../../scripts/place-file.mjs';
import { buildFolder } from '../../scripts/toolchain.mjs';
import models from './recipe.mjs';

const here = 'layers/models';

export default {
  name: 'layer-model',
  title: 'the layer with the embedding model',
  inputs: [...models.inputs, `${here}/layer-recipe.mjs`],
  estimate_s: models.estimate_s,

  async build({ out, root, step }) {
    const { folder, files } = await buildArtefact(models, step);
    const registry = JSON.parse(readFileSync(join(root, here, 'models.json'), 'utf8'));
    step('copying');
    for (const file of Object.keys(files)) {
      placeFile(join(buildFolder, models.name, folder, file), join(out, 'models', registry.default, file));
    }
  },
};
