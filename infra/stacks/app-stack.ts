import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, FunctionUrlAuthType, InvokeMode } from 'aws-cdk-lib/aws-lambda';
import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Artefacts } from '../artefacts.ts';
import type { FunctionName, StageConfig } from '../config.ts';
import { Alarms } from '../constructs/alarms.ts';
import { aliasVariables } from '../constructs/emulator-rights.ts';
import { FolderLayer } from '../constructs/folder-layer.ts';
import { PublicApi } from '../constructs/public-api.ts';
import { architectureOf, SignetFunction, type SignetFunctionProps } from '../constructs/signet-function.ts';
import { StageSecrets } from '../constructs/stage-secrets.ts';
import type { StateStack } from './state-stack.ts';

export interface AppStackProps extends StackProps {
  readonly config: StageConfig;
  readonly state: StateStack;
  readonly artefacts: Artefacts;
  /** Folder with `signet/genesis.json` and, if providers are configured, `signet/signet.json`. */
  readonly stage_files: string;
  /** Name of the stage's log, as its genesis has it: what checkpoints are signed for. */
  readonly log_origin: string;
}

/** Beyond it Lambda drops an event that waits for a machine: the run's job has long taken the attempt for lost. */
const event_age_max = Duration.seconds(60);

/** As many as a queue that keeps order gives at once: they all say the same. */
const wake_ups_a_batch = 10;

/** The functions and their triggers. It holds nothing: it may be deleted and made again. */
export class AppStack extends Stack {
  private readonly config: StageConfig;
  private readonly artefacts: Artefacts;

  constructor(scope: Construct, id: string, props: AppStackProps) {
    super(scope, id, props);
    const { config, state, artefacts } = props;
    this.config = config;
    this.artefacts = artefacts;
    this.addStackDependency(state);

    const stageFiles = this.layer('StageFiles', props.stage_files, 'what is this stage: genesis and providers');
    const onnxruntime = this.layer('OnnxRuntime', artefacts.onnxruntime, 'ONNX Runtime');
    const model = this.layer('Model', artefacts.model, 'the default embedding model');
    const scriptImage = this.layer('ScriptImage', artefacts.script_image, 'the interpreter of scripts');

    const embedText = this.rust('embed-text', { layers: [onnxruntime, model] });
    const scoreVectors = this.rust('score-vectors');
    const signEnvelope = this.rust('sign-envelope', { role_name: state.signerRoleName });
    const runScript = this.rust('run-script', {
      layers: [scriptImage],
      // Whoever breaks out of the sandbox shall find a role that can do nothing.
      untraced: true,
      per_tenant: this.scriptsAreIsolated(),
    });
    const serveApi = this.typescript('serve-api', stageFiles);
    const advanceRun = this.typescript('advance-run', stageFiles);
    const sealLedger = this.typescript('seal-ledger', stageFiles);
    const sweepDue = this.typescript('sweep-due', stageFiles);
    const signForApi = signEnvelope.as('api');
    const signForLog = signEnvelope.as('log');

    const api = new PublicApi(this, 'Api', { config });
    const secrets = new StageSecrets(this, 'Secrets', { config });
    for (const node of [serveApi, advanceRun]) {
      node
        .bind(state.table, 'write')
        .bind(state.bucket, 'content')
        .bind(state.bucket, 'log')
        .bind(state.runs, 'send')
        .bind(state.ledger, 'send')
        .bind(secrets, 'read')
        .bind(embedText, 'invoke')
        .bind(scoreVectors, 'invoke')
        .bind(signForApi, 'invoke')
        .bind(runScript, 'invoke')
        .setVariable('SIGNET_SCRIPT_ISOLATION', this.scriptsAreIsolated() ? 'per-tenant' : 'shared')
        .setVariable('SIGNET_API_URL', api.url);
    }
    advanceRun.bind(state.runs, 'receive').bind(state.runs.deadLetters, 'bury');
    sweepDue.bind(state.table, 'write').bind(state.runs, 'send').bind(state.ledger, 'send');
    sealLedger
      .bind(state.table, 'seal')
      .bind(state.bucket, 'seal')
      .bind(signForLog, 'invoke')
      .bind(state.ledger, 'receive');
    signEnvelope
      .bind(state.issuerKey, 'sign')
      .bind(state.logKey, 'sign')
      .bind(state.table, 'lock')
      .setVariable('SIGNET_LOG_ORIGIN', props.log_origin);
    for (const [name, value] of Object.entries(aliasVariables(config))) signEnvelope.setVariable(name, value);

    api.serve(serveApi, config);
    this.advanceJobs(advanceRun, state);
    this.sealWhenWoken(sealLedger, state);
    this.sweepEachMinute(sweepDue);
    for (const node of [runScript, sweepDue]) {
      node.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: event_age_max });
    }
    const functions = [serveApi, advanceRun, sealLedger, sweepDue, embedText, scoreVectors, signEnvelope, runScript];
    new Alarms(this, 'Alarms', { config, functions, api: api.api, runs: state.runs, ledger: state.ledger });

    new CfnOutput(this, 'Stage', { value: config.stage });
    new CfnOutput(this, 'ApiUrl', { value: api.url });
    if (config.api.function_url) this.addFunctionUrl(serveApi);
  }

  /** An emulator has one machine for all; some regions, too. */
  private scriptsAreIsolated(): boolean {
    return this.config.emulator === undefined && this.config.runs.isolation === 'per-tenant';
  }

  private layer(id: string, folder: string, description: string): FolderLayer {
    return new FolderLayer(this, id, { folder, description, architecture: architectureOf(this.config) });
  }

  private rust(name: FunctionName, more: Partial<SignetFunctionProps> = {}): SignetFunction {
    return this.add(name, this.artefacts.lambdas, more);
  }

  /** Jobs wake jobs through all of them. */
  private typescript(name: FunctionName, stageFiles: FolderLayer): SignetFunction {
    return this.add(name, this.artefacts.functions, { layers: [stageFiles], wakes_itself: true });
  }

  private add(name: FunctionName, artefact: string, more: Partial<SignetFunctionProps>): SignetFunction {
    const id = name.replaceAll(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase());
    return new SignetFunction(this, id, { config: this.config, name, code: `${artefact}/${name}`, ...more });
  }

  /** One job an invocation: a slow one must not hold up those that came with it. */
  private advanceJobs(advanceRun: SignetFunction, state: StateStack): void {
    new EventSourceMapping(this, 'Runs', {
      target: advanceRun.function,
      eventSourceArn: state.runs.queue.queueArn,
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency: this.config.runs.concurrency_max,
    });
  }

  /** Two at once: a sweep's wake-up goes past one that hangs. That only one of them commits, the lock row sees to. */
  private sealWhenWoken(sealLedger: SignetFunction, state: StateStack): void {
    new EventSourceMapping(this, 'Ledger', {
      target: sealLedger.function,
      eventSourceArn: state.ledger.queue.queueArn,
      batchSize: wake_ups_a_batch,
      reportBatchItemFailures: true,
      maxConcurrency: 2,
    });
  }

  private sweepEachMinute({ function: target }: SignetFunction): void {
    const rule = new Rule(this, 'EachMinute', {
      description: 'wakes what is due',
      schedule: Schedule.rate(Duration.minutes(1)),
    });
    rule.addTarget({ bind: () => ({ arn: target.functionArn, retryPolicy: { maximumRetryAttempts: 0 } }) });
    target.addPermission('EachMinute', {
      principal: new ServicePrincipal('events.amazonaws.com'),
      sourceArn: rule.ruleArn,
    });
  }

  private addFunctionUrl({ function: target }: SignetFunction): void {
    const url = target.addFunctionUrl({
      authType: FunctionUrlAuthType.NONE,
      invokeMode: this.config.emulator === undefined ? InvokeMode.RESPONSE_STREAM : InvokeMode.BUFFERED,
    });
    new CfnOutput(this, 'FunctionUrl', { value: url.url });
  }
}
