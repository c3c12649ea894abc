import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { findOnnxRuntime } from '@signet/functions/adapters/native/find-onnxruntime.ts';
import { artefactState, type ArtefactManifest } from '@signet/functions/assembly/artefacts.ts';
import { checkVectors, readReference, type VectorCheck } from '@signet/functions/domain/models/check-vectors.ts';
import {
  checkPrecision,
  gates,
  readCheckTexts,
  type PrecisionQuality,
} from '@signet/functions/domain/models/check-precision.ts';
import { readModelFacts } from '@signet/functions/domain/models/model-facts.ts';
import { readRegistry, type ModelRegistry, type RegistryModel } from '@signet/functions/domain/models/registry.ts';
import type { Precision } from '@signet/functions/domain/ports/compute.ts';
import { checkArtefact, type ArtefactCheck } from '../artefacts-on-disk.ts';
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
  signet models check                  hash the files again and print the table of quality`,
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
    const installed = await installedModel();
    const rows = registry.models.map(({ id, dimension, max_tokens, license, aliases }) => ({
      id,
      dimension,
      max_tokens,
      license,
      aliases,
      default: id === registry.default.id,
      installed: id === installed,
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
    .description('hash the installed files again, compare fp32 with other software and the other precisions with fp32')
    .argument('[model]', 'id or alias; the default model when absent')
    .addHelpText('after', '\nExample:\n  signet models check && echo unchanged');
  return withGlobalOptions(command).action(async (name: string | undefined) => {
    const { json } = readGlobalOptions(command, terminal);
    const registry = await openRegistry(terminal);
    const model = name === undefined ? registry.default : registry.find(name);
    if (model === undefined) throw unknownModel(registry, name ?? '');
    if (model.id !== (await installedModel())) throw isNotInstalled(model);
    const check = await checkArtefact(buildFolder, 'models');
    if (check.kind !== 'good') throw notInstalled(check);
    const { vectors, quality } = await compareVectors(check.folder, terminal).catch((error: Error) => {
      throw new CommandFailure({ exit: exits.failed, message: `the model cannot be opened: ${error.message}` });
    });
    const passed = vectors.kind === 'agrees' && quality.every((one) => one.passed);
    if (json)
      terminal.out(`${JSON.stringify({ model: model.id, files: check.manifest.files, vectors, quality }, null, 2)}\n`);
    else terminal.out(`${[rendered(check.manifest.files, vectors), ...quality.map(qualityTable)].join('\n\n')}\n`);
    exit(passed ? exits.done : exits.failed);
  });
}

function isNotInstalled({ id, files }: RegistryModel): CommandFailure {
  const how =
    files === null ? 'its files are not pinned, so nothing fetches them' : `\`signet models pull ${id}\` does it`;
  return new CommandFailure({ exit: exits.failed, message: `\`${id}\` is not installed: ${how}` });
}

function notInstalled(check: Exclude<ArtefactCheck, { kind: 'good' }>): CommandFailure {
  return new CommandFailure({ exit: exits.failed, message: `expected an installed model: ${reasonOf(check)}` });
}

function reasonOf(check: Exclude<ArtefactCheck, { kind: 'good' }>): string {
  switch (check.kind) {
    case 'changed':
      return `\`${check.file}\` was changed: ${check.reason}; \`signet models pull\` builds it again`;
    case 'building':
      return `it is being built: ${check.step}`;
    case 'failed':
      return `it could not be built: ${check.reason}`;
    case 'absent':
      return 'none is installed; `signet models pull` does it';
    default:
      return check satisfies never;
  }
}

interface ModelCheck {
  readonly vectors: VectorCheck;
  /** Of each precision but fp32, which the others are compared with. */
  readonly quality: readonly (PrecisionQuality & { readonly precision: Precision })[];
}

/** Opens the model in this process, as the node does: fp32 against other software, the other precisions against fp32. */
async function compareVectors(model_dir: string, terminal: Terminal): Promise<ModelCheck> {
  const native = artefactState({ build_folder: buildFolder, name: 'native', now: Date.now() });
  if (native.kind !== 'ready') throw new Error('the native addon is not built; `npm start` builds it');
  const configured = terminal.environment['SIGNET_ORT_LIB'];
  const { platform, arch } = process;
  const library = findOnnxRuntime({ ...(configured === undefined ? {} : { configured }), repository, platform, arch });
  if (library.kind === 'missing') throw new Error(library.reason);
  const read = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(join(repository, 'layers', 'models', file), 'utf8'));
  const reference = readReference(await read('reference.json'));
  const texts = readCheckTexts(await read('check-texts.json'));
  // Loaded when needed: it maps the addon.
  const { openNativeEmbed } = await import('@signet/functions/adapters/native/native-embed.ts');
  const addon_path = join(native.folder, 'signet.node');
  const compute = await openNativeEmbed({ addon_path, ort_lib_path: library.path, model_dir });
  try {
    const vectors = await checkVectors({ compute, reference });
    const quality = [];
    for (const { name: precision } of compute.model.precisions) {
      if (precision === 'fp32') continue;
      terminal.progress(`comparing ${precision} with fp32 on ${texts.queries.length + texts.passages.length} texts`);
      quality.push({ precision, ...(await checkPrecision({ compute, model: compute.model.id, precision, texts })) });
    }
    return { vectors, quality };
  } finally {
    await compute.close();
  }
}

function rendered(files: ArtefactManifest['files'], vectors: VectorCheck): string {
  const hashes = Object.entries(files).map(([file, { sha256 }]) => `${sha256}  ${file}`);
  const outcome =
    vectors.kind === 'agrees'
      ? `all files are as they were built; ${vectors.texts} texts agree with the reference to ${vectors.distance_max.toExponential(1)}`
      : `the files are as they were built, but the vector of ${JSON.stringify(vectors.text)} is wrong: ${vectors.reason}`;
  return [...hashes, outcome].join('\n');
}

function qualityTable(quality: ModelCheck['quality'][number]): string {
  const { precision, texts, queries, passed, is_equal_for_equal_shape } = quality;
  const rows = Object.entries(gates).map(([name, least]) => {
    const value = quality[name as keyof typeof gates];
    return `  ${titles[name as keyof typeof gates].padEnd(44)} ${value.toFixed(5)}  at least ${least}  ${value >= least ? 'passed' : 'FAILED'}`;
  });
  const bits = `  ${'equal bits in batches of equal shape'.padEnd(44)} ${is_equal_for_equal_shape ? 'yes' : 'no'}`;
  const outcome = passed ? `${precision} may be the default` : `${precision} must not be the default`;
  return [`${precision} against fp32, ${texts} texts, ${queries} of them queries:`, ...rows, bits, outcome].join('\n');
}

const titles: Readonly<Record<keyof typeof gates, string>> = {
  cosine_mean: 'cosine, mean',
  cosine_lowest: 'cosine, lowest',
  overlap_mean: 'ten nearest in common, mean',
  neighbours_lowest: 'cosine of a text in any two batches, lowest',
};

async function openRegistry(terminal: Terminal): Promise<ModelRegistry> {
  const file = await readFile(join(repository, 'layers', 'models', 'models.json'), 'utf8');
  try {
    return readRegistry(JSON.parse(file), terminal.environment['SIGNET_EMBED_MODEL']);
  } catch (error) {
    throw new CommandFailure({ exit: exits.usage, message: (error as Error).message }, { cause: error });
  }
}

/** The id that the built folder gives itself; a folder that cannot be read holds no model. */
async function installedModel(): Promise<string | undefined> {
  const state = artefactState({ build_folder: buildFolder, name: 'models', now: Date.now() });
  if (state.kind !== 'ready') return undefined;
  try {
    return readModelFacts(await readFile(join(state.folder, 'model.json'), 'utf8')).id;
  } catch {
    return undefined;
  }
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
