import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { artefactState } from '@signet/functions/assembly/artefacts.ts';
import { readRegistry, type ModelRegistry } from '@signet/functions/domain/models/registry.ts';
import { checkArtefact } from '../artefacts-on-disk.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { buildFolder, repository } from '../places.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';

export function modelsCommand(terminal: Terminal, exit: Exit): Command {
  const models = new Command('models').description('the embedding models of this installation').addHelpText(
    'after',
    `
Examples:
  signet models list                   those that are known, and which is installed
  signet models pull                   fetch and convert the default model, by digest
  signet models check                  hash the installed files again`,
  );
  models.addCommand(listCommand(terminal));
  models.addCommand(pullCommand(terminal, exit));
  models.addCommand(checkCommand(terminal, exit));
  return models;
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list')
    .description('models that are known, and which is installed')
    .addHelpText('after', '\nExample:\n  signet models list --json');
  return withGlobalOptions(command).action(async () => {
    const { json } = readGlobalOptions(command, terminal);
    const registry = await openRegistry(terminal);
    const installed = installedModels();
    const rows = registry.models.map(({ id, dimension, max_tokens, license, aliases }) => ({
      id,
      dimension,
      max_tokens,
      license,
      aliases,
      default: id === registry.default.id,
      installed: installed.has(id),
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
    const { json } = readGlobalOptions(command, terminal);
    const registry = await openRegistry(terminal);
    const model = name === undefined ? registry.default : registry.find(name);
    if (model === undefined) throw unknownModel(registry, name ?? '');
    if (model.id !== registry.default.id) {
      throw new CommandFailure({
        exit: exits.failed,
        message: `expected the default model \`${registry.default.id}\`; \`${model.id}\` is known but has no recipe yet`,
      });
    }
    const code = await build(terminal);
    if (code !== 0) {
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

function checkCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('check')
    .description('hash the files of the installed model again and compare')
    .addHelpText('after', '\nExample:\n  signet models check && echo unchanged');
  return withGlobalOptions(command).action(async () => {
    const { json } = readGlobalOptions(command, terminal);
    const check = await checkArtefact(buildFolder, 'models');
    const good = check.kind === 'good';
    if (json)
      terminal.out(`${JSON.stringify(good ? { kind: 'good', files: check.manifest.files } : check, null, 2)}\n`);
    else if (good) {
      for (const [file, { sha256 }] of Object.entries(check.manifest.files)) terminal.out(`${sha256}  ${file}\n`);
      terminal.out('all files are as they were built\n');
    }
    if (good) return;
    if (json) {
      exit(exits.failed);
      return;
    }
    const reason =
      check.kind === 'changed'
        ? `\`${check.file}\` was changed: ${check.reason}; \`signet models pull\` builds it again`
        : check.kind === 'building'
          ? `it is being built: ${check.step}`
          : check.kind === 'failed'
            ? `it could not be built: ${check.reason}`
            : 'none is installed; `signet models pull` does it';
    throw new CommandFailure({ exit: exits.failed, message: `expected an installed model: ${reason}` });
  });
}

async function openRegistry(terminal: Terminal): Promise<ModelRegistry> {
  const file = await readFile(join(repository, 'layers', 'models', 'models.json'), 'utf8');
  try {
    return readRegistry(JSON.parse(file), terminal.environment['SIGNET_EMBED_MODEL']);
  } catch (error) {
    throw new CommandFailure({ exit: exits.usage, message: (error as Error).message }, { cause: error });
  }
}

function installedModels(): ReadonlySet<string> {
  const state = artefactState({ build_folder: buildFolder, name: 'models', now: Date.now() });
  const files = state.kind === 'ready' ? Object.keys(state.manifest.files) : [];
  return new Set(files.flatMap((file) => (file.endsWith('/model.json') ? [file.slice(0, -'/model.json'.length)] : [])));
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

function unknownModel(registry: ModelRegistry, name: string): CommandFailure {
  const known = registry.models.map(({ id }) => id).join(', ');
  return new CommandFailure({ exit: exits.usage, message: `expected one of ${known}, got \`${name}\`` });
}
