import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addStacks, newApp } from '../../infra/add-stacks.ts';
import { findArtefacts } from '../../infra/artefacts.ts';
import { makeConfig, type StageConfig } from '../../infra/config.ts';
import { placeholder, writeStageFiles } from '../../infra/stage-files.ts';
import { makePlaceholderArtefacts } from './placeholder-artefacts.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown; readonly Export?: unknown }>>;
}

export interface Templates {
  readonly config: StageConfig;
  readonly state: Template;
  readonly app: Template;
}

/** The two templates of a stage, made of placeholder artefacts and the placeholder genesis. */
export function templatesOf({ stage, overrides = {} }: { stage: string; overrides?: object }): Templates {
  const folder = mkdtempSync(join(tmpdir(), 'signet-templates-'));
  try {
    const { config, assembly } = synthesise({ stage, overrides, folder });
    const template = (name: string): Template =>
      JSON.parse(readFileSync(join(assembly, `Signet-${stage}-${name}.template.json`), 'utf8'));
    return { config, state: template('State'), app: template('App') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Synthesises both stacks below `folder`; answers the app, for rules that look at constructs, and its assembly. */
export function synthesise(request: { stage: string; overrides?: object; folder: string; only_state?: boolean }) {
  const build_folder = join(request.folder, 'build');
  const assembly = join(request.folder, 'assembly');
  makePlaceholderArtefacts(build_folder);
  const config = makeConfig(request);
  const app = newApp({ outdir: assembly });
  const parts = {
    artefacts: findArtefacts({ config, build_folder }),
    stage_files: writeStageFiles({ config, genesis: placeholder, build_folder }),
  };
  addStacks(app, { config, parts: request.only_state === true ? undefined : parts });
  app.synth();
  return { app, config, assembly };
}

/** Resources of a type, with their logical ids. */
export function ofType(template: Template, type: string): readonly (Resource & { readonly id: string })[] {
  return Object.entries(template.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, resource]) => ({ ...resource, id }));
}
