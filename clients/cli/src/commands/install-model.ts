import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { downloadFile } from '@signet/functions/adapters/model-hub/download-file.ts';
import { homeModels, type HomeModels } from '@signet/functions/adapters/model-hub/home-models.ts';
import type { ModelPin } from '@signet/functions/domain/models/model-pins.ts';
import type { RegistryModel } from '@signet/functions/domain/models/registry.ts';
import { CommandFailure, exits } from '../failure.ts';
import { repository } from '../places.ts';
import type { Terminal } from '../terminal.ts';

/**
 * Puts a model other than the built-in one into the home: its pinned files from the folder they were pinned in, else from
 * the hub by the same digests, turned into graphs by the recipe of the default model.
 */
export async function installModel(request: {
  model: RegistryModel;
  home: string;
  terminal: Terminal;
}): Promise<'installed' | 'present'> {
  const { model, home, terminal } = request;
  const models = homeModels(home);
  const pin = (await models.pins())[model.id];
  if (pin === undefined) {
    throw failure(
      `no digests are pinned for \`${model.id}\`, so nothing is fetched; pin files that you trust: signet models pin ${model.id} <folder>`,
    );
  }
  if (model.architecture.kind !== 'bert') {
    throw failure(`no recipe makes a graph of ${model.architecture.kind} weights, which \`${model.id}\` has`);
  }
  const outcome = await models.install(model.id, async (folder) => {
    const source = await pinnedFolder({ model, pin, home, models, terminal });
    const code = await runRecipe({ id: model.id, source, folder, pin, terminal });
    if (code !== 0) throw failure(`\`${model.id}\` was not built`);
  });
  for (const id of await models.evict()) terminal.note(`\`${id}\` left: the models of this home had more than 10 GiB`);
  return outcome;
}

/** Where the pinned files are, each compared with its digest. */
async function pinnedFolder(request: {
  model: RegistryModel;
  pin: ModelPin;
  home: string;
  models: HomeModels;
  terminal: Terminal;
}): Promise<string> {
  const { model, pin, home, models, terminal } = request;
  const there = await models.describe(pin.folder).catch((error: Error) => error);
  if (!(there instanceof Error)) {
    const wrong = (['weights', 'tokenizer'] as const).find((part) => there[part].sha256 !== pin[part].sha256);
    if (wrong === undefined) return pin.folder;
    const { name, sha256 } = pin[wrong];
    throw failure(`\`${join(pin.folder, name)}\`: expected SHA-256 ${sha256}, got ${there[wrong].sha256}`);
  }
  const folder = join(home, 'models', '.files', pin.weights.sha256);
  for (const source of model.sources) {
    if (source.kind !== 'hub') continue;
    for (const { name, sha256, bytes } of [pin.weights, pin.tokenizer]) {
      terminal.progress(`fetching ${name} of ${model.id}`);
      await downloadFile({ url: `${source.url}/${name}`, target: join(folder, name), sha256, bytes });
    }
    return folder;
  }
  throw failure(`the pinned files of \`${model.id}\` are gone: ${there.message}`);
}

function runRecipe(request: {
  id: string;
  source: string;
  folder: string;
  pin: ModelPin;
  terminal: Terminal;
}): Promise<number> {
  const { id, source, folder, pin, terminal } = request;
  return new Promise((resolve, reject) => {
    const script = join(repository, 'layers', 'models', 'build-pinned.mjs');
    const args = [script, id, source, folder, pin.weights.sha256, pin.tokenizer.sha256];
    const child = spawn(process.execPath, args, { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', (text: string) => terminal.progress(text.trimEnd()));
    child.stderr.setEncoding('utf8').on('data', (text: string) => terminal.note(text.trimEnd()));
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? exits.internal));
  });
}

function failure(message: string): CommandFailure {
  return new CommandFailure({ exit: exits.failed, message });
}
