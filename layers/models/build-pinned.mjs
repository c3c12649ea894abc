// Graphs of weights that an operator pinned: node build-pinned.mjs MODEL_ID SOURCE TARGET WEIGHTS_SHA256 TOKENIZER_SHA256.
// SOURCE holds `model.safetensors` and `tokenizer.json`; their digests were compared by the caller.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../scripts/processes.mjs';
import { buildFolder, root } from '../../scripts/toolchain.mjs';
import { buildPinned } from './recipe.mjs';

const [id, source, target, weights_sha256, tokenizer_sha256] = process.argv.slice(2);
const registry = JSON.parse(readFileSync(join(root, 'layers', 'models', 'models.json'), 'utf8'));
const model = registry.models.find((one) => one.id === id);
const cache = join(buildFolder, 'cache', 'models');
mkdirSync(cache, { recursive: true });
const log = join(cache, 'pull.log');
try {
  await buildPinned({
    model,
    source,
    target,
    digests: { weights_sha256, tokenizer_sha256 },
    root,
    cache,
    run: (command, args, options = {}) => run(command, args, { ...options, log }),
    step: (text) => console.log(`${id}: ${text}`),
  });
} catch (error) {
  console.error(`${error.message} (${log})`);
  process.exitCode = 1;
}
