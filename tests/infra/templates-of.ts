import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { StageConfig } from '../../infra/config.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown; readonly Export?: unknown }>>;
}

export interface Templates {
  readonly config: StageConfig;
  readonly state: Template;
  readonly app: Template;
  /** Assets of the App stack by their hash. */
  readonly assets: Readonly<Record<string, unknown>>;
  /** Findings without a reason, and reasons without a finding. */
  readonly nag: { readonly unanswered: readonly string[]; readonly unused: readonly string[] };
}

export interface TemplateRequest {
  readonly stage: string;
  readonly overrides?: object;
  readonly only_state?: boolean;
  readonly with_nag?: boolean;
}

/** The templates of a stage, made of placeholder artefacts and the placeholder genesis. */
export function templatesOf(request: TemplateRequest): Templates {
  const [templates] = allTemplatesOf([request]);
  if (templates === undefined) throw new Error('expected templates');
  return templates;
}

/** The same of several, by one process. */
export function allTemplatesOf(requests: readonly TemplateRequest[]): readonly Templates[] {
  const program = join(import.meta.dirname, 'make-templates.ts');
  const text = execFileSync(process.execPath, [program, JSON.stringify(requests)], { maxBuffer: 1 << 28 });
  return JSON.parse(text.toString());
}

/** Resources of a type, with their logical ids. */
export function ofType(template: Template, type: string): readonly (Resource & { readonly id: string })[] {
  return Object.entries(template.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, resource]) => ({ ...resource, id }));
}
