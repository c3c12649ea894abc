import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { homeModels } from '@signet/functions/adapters/model-hub/home-models.ts';
import { findOnnxRuntime } from '@signet/functions/adapters/native/find-onnxruntime.ts';
import type { NativeEmbed } from '@signet/functions/adapters/native/native-embed.ts';
import { artefactState, type ArtefactManifest } from '@signet/functions/assembly/artefacts.ts';
import {
  checkPrecision,
  gates,
  readCheckTexts,
  type PrecisionQuality,
} from '@signet/functions/domain/models/check-precision.ts';
import { checkVectors, readReference, type VectorCheck } from '@signet/functions/domain/models/check-vectors.ts';
import type { RegistryModel } from '@signet/functions/domain/models/registry.ts';
import type { Precision } from '@signet/functions/domain/ports/compute.ts';
import { checkArtefact, type ArtefactCheck } from '../artefacts-on-disk.ts';
import { CommandFailure, exits } from '../failure.ts';
import { readGlobalOptions, withGlobalOptions } from '../global-options.ts';
import { buildFolder, repository } from '../places.ts';
import type { Exit } from '../program.ts';
import type { Terminal } from '../terminal.ts';
import { findModel, installedModel, openRegistry } from './known-models.ts';

export function checkModelCommand(terminal: Terminal, exit: Exit): Command {
  const command = new Command('check')
    .description('hash the installed files again, compare fp32 with other software and the other precisions with fp32')
    .argument('[model]', 'id or alias; the default model when absent')
    .addHelpText('after', '\nExample:\n  signet models check && echo unchanged');
  return withGlobalOptions(command).action(async (name: string | undefined) => {
    const { json, home } = readGlobalOptions(command, terminal);
    const model = findModel(await openRegistry(terminal), name);
    const isBuiltIn = model.id === (await installedModel());
    const passed = isBuiltIn ? await checkBuiltIn(terminal, json) : await checkOwn(model, home, terminal, json);
    exit(passed ? exits.done : exits.failed);
  });
}

async function checkBuiltIn(terminal: Terminal, json: boolean): Promise<boolean> {
  const check = await checkArtefact(buildFolder, 'models');
  if (check.kind !== 'good') {
    throw new CommandFailure({ exit: exits.failed, message: `expected an installed model: ${reasonOf(check)}` });
  }
  const { files } = check.manifest;
  return withModel(check.folder, terminal, async (compute) => {
    const reference = readReference(await readCommitted('reference.json'));
    const vectors = await checkVectors({ compute, reference });
    const quality = await qualityOf(compute, terminal);
    if (json) terminal.out(`${JSON.stringify({ model: compute.model.id, files, vectors, quality }, null, 2)}\n`);
    else terminal.out(`${[rendered(files, vectors), ...quality.map(qualityTable)].join('\n\n')}\n`);
    return vectors.kind === 'agrees' && quality.every((one) => one.passed);
  });
}

/** A model of the home: nobody else computed its vectors, so int8 is compared with fp32 alone, and is its default then. */
async function checkOwn(model: RegistryModel, home: string, terminal: Terminal, json: boolean): Promise<boolean> {
  const models = homeModels(home);
  const own = (await models.list()).find(({ facts }) => facts.id === model.id);
  if (own === undefined) {
    const first = model.files === null ? `\`signet models pin ${model.id} <folder>\`, then ` : '';
    const message = `expected an installed model, \`${model.id}\` is none: ${first}\`signet models pull ${model.id}\` does it`;
    throw new CommandFailure({ exit: exits.failed, message });
  }
  return withModel(own.folder, terminal, async (compute) => {
    const quality = await qualityOf(compute, terminal);
    const passed = quality.every((one) => one.passed);
    if (passed && quality.length > 0) await models.setDefault(model.id, 'int8');
    if (json) terminal.out(`${JSON.stringify({ model: model.id, quality }, null, 2)}\n`);
    else terminal.out(`${quality.map(qualityTable).join('\n\n')}\n`);
    return passed;
  });
}

/** Opens a model in this process, as the node does, and closes it behind `work`. */
async function withModel<T>(
  model_dir: string,
  terminal: Terminal,
  work: (compute: NativeEmbed) => Promise<T>,
): Promise<T> {
  const compute = await openModel(model_dir, terminal).catch((error: Error) => {
    throw new CommandFailure({ exit: exits.failed, message: `the model cannot be opened: ${error.message}` });
  });
  try {
    return await work(compute);
  } finally {
    await compute.close();
  }
}

async function openModel(model_dir: string, terminal: Terminal): Promise<NativeEmbed> {
  const native = artefactState({ build_folder: buildFolder, name: 'native', now: Date.now() });
  if (native.kind !== 'ready') throw new Error('the native addon is not built; `npm start` builds it');
  const configured = terminal.environment['SIGNET_ORT_LIB'];
  const { platform, arch } = process;
  const library = findOnnxRuntime({ ...(configured === undefined ? {} : { configured }), repository, platform, arch });
  if (library.kind === 'missing') throw new Error(library.reason);
  // Loaded when needed: it maps the addon.
  const { openNativeEmbed } = await import('@signet/functions/adapters/native/native-embed.ts');
  return openNativeEmbed({
    addon_path: join(native.folder, 'signet.node'),
    ort_lib_path: library.path,
    model_dir,
  });
}

type NamedQuality = PrecisionQuality & { readonly precision: Precision };

/** Of each precision but fp32, which the others are compared with. */
async function qualityOf(compute: NativeEmbed, terminal: Terminal): Promise<NamedQuality[]> {
  const texts = readCheckTexts(await readCommitted('check-texts.json'));
  const quality: NamedQuality[] = [];
  for (const { name: precision } of compute.model.precisions) {
    if (precision === 'fp32') continue;
    terminal.progress(`comparing ${precision} with fp32 on ${texts.queries.length + texts.passages.length} texts`);
    quality.push({ precision, ...(await checkPrecision({ compute, model: compute.model.id, precision, texts })) });
  }
  return quality;
}

async function readCommitted(file: string): Promise<unknown> {
  return JSON.parse(await readFile(join(repository, 'layers', 'models', file), 'utf8'));
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

function rendered(files: ArtefactManifest['files'], vectors: VectorCheck): string {
  const hashes = Object.entries(files).map(([file, { sha256 }]) => `${sha256}  ${file}`);
  const outcome =
    vectors.kind === 'agrees'
      ? `all files are as they were built; ${vectors.texts} texts agree with the reference to ${vectors.distance_max.toExponential(1)}`
      : `the files are as they were built, but the vector of ${JSON.stringify(vectors.text)} is wrong: ${vectors.reason}`;
  return [...hashes, outcome].join('\n');
}

type Gate = keyof typeof gates;

const titles: Readonly<Record<Gate, string>> = {
  cosine_mean: 'cosine, mean',
  cosine_lowest: 'cosine, lowest',
  overlap_mean: 'ten nearest in common, mean',
  neighbours_lowest: 'cosine of a text in any two batches, lowest',
};

function qualityTable(quality: NamedQuality): string {
  const { precision, texts, queries, passed, is_equal_for_equal_shape } = quality;
  const rows = (Object.keys(gates) as Gate[]).map((gate) => {
    const outcome = quality[gate] >= gates[gate] ? 'passed' : 'FAILED';
    return `  ${titles[gate].padEnd(44)} ${quality[gate].toFixed(5)}  at least ${gates[gate]}  ${outcome}`;
  });
  const bits = `  ${'equal bits in batches of equal shape'.padEnd(44)} ${is_equal_for_equal_shape ? 'yes' : 'no'}`;
  const outcome = `${precision} ${passed ? 'may' : 'must not'} be the default`;
  return [`${precision} against fp32, ${texts} texts, ${queries} of them queries:`, ...rows, bits, outcome].join('\n');
}
