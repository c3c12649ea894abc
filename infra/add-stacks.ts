import { App, type StackProps, Tags } from 'aws-cdk-lib/core';
import type { Artefacts } from './artefacts.ts';
import type { StageConfig } from './config.ts';
import { AppStack } from './stacks/app-stack.ts';
import { StateStack } from './stacks/state-stack.ts';

/** A CDK app whose templates are equal on every machine: they hold no record of the tools that made them. */
export function newApp({ outdir }: { readonly outdir?: string } = {}): App {
  return new App({ analyticsReporting: false, ...(outdir === undefined ? {} : { outdir }) });
}

/** What the App stack needs beside the configuration. */
export interface AppParts {
  readonly artefacts: Artefacts;
  readonly stage_files: string;
  readonly log_origin: string;
}

/** Adds the State stack of a stage and, unless `parts` is left out, its App stack. */
export function addStacks(
  app: App,
  { config, parts }: { readonly config: StageConfig; readonly parts?: AppParts | undefined },
): { readonly state: StateStack; readonly app: AppStack | undefined } {
  const { stage, account, region, keeps_data } = config;
  const name = `Signet-${stage}`;
  const place: StackProps = account === undefined || region === undefined ? {} : { env: { account, region } };
  const state = new StateStack(app, `${name}-State`, {
    ...place,
    config,
    description: `Signet ${stage}: data and keys`,
    terminationProtection: keeps_data,
  });
  const functions =
    parts === undefined
      ? undefined
      : new AppStack(app, `${name}-App`, {
          ...place,
          ...parts,
          config,
          state,
          description: `Signet ${stage}: functions`,
        });
  for (const [key, value] of Object.entries({ service: 'signet', stage, ...config.tags })) Tags.of(app).add(key, value);
  return { state, app: functions };
}
