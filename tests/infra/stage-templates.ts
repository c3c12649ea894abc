import { expect } from '@jest/globals';
import { functionLanguages, functionNames } from '../../infra/config.ts';
import type { Statement } from './evaluate-policy.ts';
import { allTemplatesOf, ofType, type Resource, type Templates } from './templates-of.ts';

/** Stages that the rules are held to: one that loses its data, and names with and without a preset. */
export const stages = ['dev', 'staging', 'prod', 'blue-2'];
export const keeping = stages.filter((stage) => stage !== 'dev');
const made = new Map(
  allTemplatesOf(stages.map((stage) => ({ stage }))).map((templates) => [templates.config.stage, templates]),
);

/** Both stacks of a stage, made once. */
export function both(stage: string): Templates {
  const templates = made.get(stage);
  if (templates === undefined) throw new Error(`expected templates of ${stage}`);
  return templates;
}

export type Found = Resource & { readonly id: string };

/** All resources of a type in both stacks. A rule over none would hold for nothing, so there must be some. */
export function all(stage: string, type: string): readonly Found[] {
  const { state, app } = both(stage);
  const found = [...ofType(state, type), ...ofType(app, type)];
  if (found.length === 0) throw new Error(`expected ${type} in the stacks of ${stage}`);
  return found;
}

/** Holds each resource to a form; a difference shows the resource. */
export function each(resources: readonly Found[], form: (resource: Found) => object): void {
  for (const resource of resources) expect(resource).toMatchObject(form(resource));
}

export function nameOf(Properties: Resource['Properties']): (typeof functionNames)[number] {
  const name = functionNames.find((candidate) => String(Properties['FunctionName']).endsWith(`-${candidate}`));
  if (name === undefined) throw new Error(`expected a known function, got ${String(Properties['FunctionName'])}`);
  return name;
}

export function languageOf(Properties: Resource['Properties']): string {
  return functionLanguages[nameOf(Properties)];
}

/** Whether the resource `id` has a policy of the given type that denies everybody everything without TLS. */
export function refusesPlainHttp(stage: string, type: string, id: string): boolean {
  return all(stage, type).some(({ Properties }) => {
    const about = JSON.stringify(Properties['Queues'] ?? Properties['Bucket'] ?? Properties['Topics']);
    const { Statement } = Object(Properties['PolicyDocument']);
    return (
      about.includes(`"${id}"`) &&
      (Statement as Statement[]).some(
        ({ Effect, Principal, Condition }) =>
          Effect === 'Deny' &&
          ['*', '{"AWS":"*"}'].includes(typeof Principal === 'string' ? Principal : JSON.stringify(Principal)) &&
          Object(Condition?.['Bool'])['aws:SecureTransport'] === 'false',
      )
    );
  });
}
