import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { artefactNames } from '../../infra/artefacts.ts';
import { functionLanguages } from '../../infra/config.ts';

/** Makes a build folder whose artefacts have the form of real ones and hardly any bytes: templates do not look inside. */
export function makePlaceholderArtefacts(build_folder: string): void {
  for (const emulator of [undefined, { endpoint_url: 'http://127.0.0.1:1', environment: {} }]) {
    const names = artefactNames({ emulator });
    for (const [name, language] of Object.entries(functionLanguages)) {
      if (language === 'typescript') put(build_folder, names.functions, `${name}/index.mjs`);
      else put(build_folder, names.lambdas, `${name}/bootstrap`);
    }
    put(build_folder, names.onnxruntime, 'lib/libonnxruntime.so.1');
    put(build_folder, names.model, 'models/a-model/model.onnx');
    put(build_folder, names.script_image, 'script-image/script-image.cwasm');
    for (const name of Object.values(names)) {
      writeFileSync(join(build_folder, name, 'manifest.json'), JSON.stringify({ folder: 'built' }));
    }
  }
}

function put(build_folder: string, artefact: string, file: string): void {
  const path = join(build_folder, artefact, 'built', file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${artefact} ${file}\n`, { mode: 0o755 });
}
