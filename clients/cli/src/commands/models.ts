import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Command } from 'commander';
import { homeModels } from '@signet/functions/adapters/model-hub/home-models.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { repository } from '../places.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';
import { checkModelCommand } from './check-model.ts';
import { installModel } from './install-model.ts';
import { findModel, installedModel, openRegistry } from './known-models.ts';

export function modelsCommand(terminal: Terminal, exit: Exit): Command {
  const models = new Command('models').description('the embedding models of this installation').addHelpText(
    'after',
    `
Examples:
  signet models list                   those that are known, and which is installed
  signet models pull                   fetch and convert the default model, by digest
  signet models pin e5-small-v2 ./e5   trust files of your own, by digest
  signet models check                  hash the files again and print the table of quality`,
  );
  models.addCommand(listCommand(terminal));
  models.addCommand(pullCommand(terminal, exit));
  models.addCommand(pinCommand(terminal));
  models.addCommand(checkModelCommand(terminal, exit));
  return models;
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list')
    .description('models that are known, and which is installed')
    .addHelpText('after', '\nExample:\n  signet models list --json');
  return withGlobalOptions(command).action(async () => {
    const { json, home } = readGlobalOptions(command, terminal);
    const registry = await openRegistry(terminal);
    const models = homeModels(home);
    const [installed, own, pins] = await Promise.all([installedModel(), models.list(), models.pins()]);
    const rows = registry.models.map(({ id, dimension, max_tokens, license, aliases, files }) => ({
      id,
      dimension,
      max_tokens,
      license,
      aliases,
      default: id === registry.default.id,
      installed: id === installed || own.some(({ facts }) => facts.id === id),
      pinned: files !== null || id in pins,
    }));
    if (json) terminal.out(`${JSON.stringify({ models: rows }, null, 2)}\n`);
    else for (const row of rows) terminal.out(`${described(row)}\n`);
  });
}

function pullCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('pull')
    .description('fetch and convert a model; files are taken only if their digests are the pinned ones')
    .argument('[model]', 'id or alias; the default model when absent')
    .addHelpText('after', '\nExample:\n  signet models pull\n\nA running node takes the model up by itself.');
  return withGlobalOptions(command).action(async (name: string | undefined) => {
    const { json, home } = readGlobalOptions(command, terminal);
    const registry = await openRegistry(terminal);
    const model = findModel(registry, name);
    if (model.files === null) await installModel({ model, home, terminal });
    else if ((await build(terminal)) !== 0) {
      throw new CommandFailure({
        exit: exits.failed,
        message: `\`${model.id}\` was not built; \`signet doctor\` says why`,
      });
    }
    if (json) terminal.out(`${JSON.stringify({ model: model.id, installed: true })}\n`);
    else terminal.out(`${model.id} is installed\n`);
    exit(exits.done);
  });
}

function pinCommand(terminal: Terminal): Command {
  const command = new Command('pin')
    .description('trust the weights and the tokenizer in a folder: keep their digests, by which they may be taken')
    .argument('<model>', 'id or alias')
    .argument('<folder>', 'with `model.safetensors` and `tokenizer.json`')
    .addHelpText(
      'after',
      '\nExample:\n  signet models pin e5-small-v2 ./e5-small-v2 && signet models pull e5-small-v2',
    );
  return withGlobalOptions(command).action(async (name: string, folder: string) => {
    const { json, home } = readGlobalOptions(command, terminal);
    const registry = await openRegistry(terminal);
    const model = findModel(registry, name);
    if (model.files !== null) {
      throw new CommandFailure({ exit: exits.usage, message: `\`${model.id}\` is pinned by the registry already` });
    }
    const pin = await homeModels(home)
      .pin(model.id, folder)
      .catch((error: Error) => {
        throw new CommandFailure({ exit: exits.failed, message: error.message }, { cause: error });
      });
    if (json) terminal.out(`${JSON.stringify({ model: model.id, ...pin }, null, 2)}\n`);
    else for (const { sha256, name: file } of [pin.weights, pin.tokenizer]) terminal.out(`${sha256}  ${file}\n`);
  });
}

/** The recipe runs as `npm start` runs it; its progress is shown, its result is the manifest. */
function build(terminal: Terminal): Promise<number> {
  return new Promise((resolve, reject) => {
    const script = join(repository, 'scripts', 'build-artefacts.mjs');
    const child = spawn(process.execPath, [script, 'models'], { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', (text: string) => terminal.progress(text.trimEnd()));
    child.stderr.setEncoding('utf8').on('data', (text: string) => terminal.note(text.trimEnd()));
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? exits.internal));
  });
}

function described(row: {
  id: string;
  dimension: number;
  max_tokens: number;
  license: string;
  default: boolean;
  installed: boolean;
}): string {
  const marks = [row.installed ? 'installed' : 'not installed', ...(row.default ? ['default'] : [])].join(', ');
  return `${row.id.padEnd(28)} ${String(row.dimension).padStart(5)} dimensions  ${row.max_tokens} tokens  ${row.license}  ${marks}`;
}
