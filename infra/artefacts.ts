import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StageConfig } from './config.ts';

/** Folders whose bytes are deployed. */
export interface Artefacts {
  /** `<function>/index.mjs` of the TypeScript functions. */
  readonly functions: string;
  /** `<function>/bootstrap` of the Rust functions. */
  readonly lambdas: string;
  readonly onnxruntime: string;
  readonly model: string;
  readonly script_image: string;
}

/** Names of the recipes that make what a stage deploys: arm64, but for an emulator this machine's architecture. */
export function artefactNames({ emulator }: Pick<StageConfig, 'emulator'>): Readonly<Record<keyof Artefacts, string>> {
  const machine = emulator === undefined ? 'arm64' : 'host';
  return {
    functions: 'functions',
    lambdas: `lambdas-${machine}`,
    onnxruntime: `layer-onnxruntime-${machine}`,
    model: 'layer-model',
    script_image: `layer-script-image-${machine}`,
  };
}

/**
 * Where the artefacts of a stage were built.
 * @param request.build_folder holds `<artefact>/manifest.json`
 * @throws if one of them is not built, naming it and the command
 */
export function findArtefacts(request: { readonly build_folder: string; readonly config: StageConfig }): Artefacts {
  const names = artefactNames(request.config);
  const find = (name: string) => folderOf(join(request.build_folder, name), name);
  return {
    functions: find(names.functions),
    lambdas: find(names.lambdas),
    onnxruntime: find(names.onnxruntime),
    model: find(names.model),
    script_image: find(names.script_image),
  };
}

function folderOf(home: string, name: string): string {
  let folder: unknown;
  try {
    folder = Object(JSON.parse(readFileSync(join(home, 'manifest.json'), 'utf8'))).folder;
  } catch (cause) {
    throw new Error(`expected the artefact \`${name}\` to be built: npm run build -- ${name}`, { cause });
  }
  if (typeof folder !== 'string') throw new Error(`expected a \`folder\` in the manifest of \`${name}\``);
  return join(home, folder);
}
