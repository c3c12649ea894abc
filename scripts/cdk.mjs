// The CDK as the commands of a stage use it: Node 24, the packages of infra/, one folder and one log for each stage.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './processes.mjs';
import { buildFolder, node24, root } from './toolchain.mjs';

/** This account and region were never prepared for the CDK; `bootstrap` does it. */
export class NotBootstrappedError extends Error {
  name = 'NotBootstrappedError';
}

/**
 * @param {object} request
 * @param {string} request.stage
 * @param {string} [request.profile] of the AWS configuration
 * @param {string} [request.region]
 * @param {string} [request.overrides] file with the stage's configuration
 * @param {string} [request.genesis] file instead of infra/genesis/<stage>.json
 * @param {(line: string) => void} request.say
 */
export function cdkOf({ stage, profile, region, overrides, genesis, say }) {
  const folder = join(buildFolder, 'deploy', stage);
  const log = join(folder, 'cdk.log');
  mkdirSync(folder, { recursive: true });
  const environment = {
    ...process.env,
    ...(region === undefined ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
    CDK_DISABLE_VERSION_CHECK: '1',
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    // Templates are judged by the app itself and by `npm run synth`.
    CDK_VALIDATION: 'false',
  };
  const contexts = { stage, overrides, genesis };

  /** `only`: the State stack alone, which needs neither artefacts nor genesis. `app`: what defines the stacks. */
  function words(command, args, { only, app }) {
    return [
      join(root, 'infra', 'node_modules', 'aws-cdk', 'bin', 'cdk'),
      command,
      ...args,
      // The CDK takes quotes off a command that begins and ends with them.
      '--app',
      `exec "${node24()}" "${join(root, 'infra', 'bin', app)}"`,
      '--output',
      join(folder, only ? 'state' : 'all'),
      ...(profile === undefined ? [] : ['--profile', profile]),
      ...(region === undefined ? [] : ['--region', region]),
      ...Object.entries({ ...contexts, ...(only ? { stacks: 'state' } : {}) }).flatMap(([name, value]) =>
        value === undefined ? [] : ['-c', `${name}=${value}`],
      ),
      '--no-notices',
      '--no-version-reporting',
    ];
  }

  async function cdk(command, args, { only = false, app = 'signet.ts', onLine } = {}) {
    const seen = [];
    try {
      return await run(node24(), words(command, args, { only, app }), {
        cwd: root,
        env: environment,
        log,
        onLine: (line) => {
          seen.push(line);
          onLine?.(line);
        },
      });
    } catch (error) {
      if (error.interrupted) throw error;
      const text = seen.join('\n');
      if (
        /has it been bootstrapped|has the environment been bootstrapped|`cdk bootstrap`|'cdk bootstrap'/i.test(text)
      ) {
        throw new NotBootstrappedError('the account and region were never prepared for the CDK', { cause: error });
      }
      throw new Error(`\`cdk ${command}\` failed; all of it is in ${log}\n${lastWords(seen)}`, { cause: error });
    }
  }

  return {
    folder,
    log,

    /** Account and region that the credentials lead to. */
    async place({ app } = {}) {
      writeFileSync(log, '');
      await cdk('synth', ['--quiet'], { only: true, app });
      const manifest = JSON.parse(readFileSync(join(folder, 'state', 'manifest.json'), 'utf8'));
      const environments = Object.values(manifest.artifacts).flatMap(({ type, environment: place }) =>
        type === 'aws:cloudformation:stack' ? [place] : [],
      );
      const [, account, found] = /^aws:\/\/(\d{12})\/([a-z0-9-]+)$/.exec(environments[0] ?? '') ?? [];
      if (account === undefined) {
        throw new Error(
          'expected credentials that AWS accepts and a region; they are missing, expired or refused, or AWS cannot be reached. Log in, or name them by --profile and --region',
        );
      }
      return { account, region: found };
    },

    bootstrap: () => cdk('bootstrap', [], { only: true }),

    /** What a deploy would widen in rights and networks, as a table for people. */
    securityDiff: (stack, { only }) => cdk('diff', [stack, '--exclusively', '--security-only'], { only }),

    /** @returns {Promise<object>} the outputs of the stack by name */
    async deploy(stack, { only }) {
      const outputs = join(folder, `${only ? 'state' : 'app'}-outputs.json`);
      const more = ['--require-approval', 'never', '--progress', 'events', '--outputs-file', outputs];
      await cdk('deploy', [stack, '--exclusively', ...more], { only, onLine: countResources(stack, say) });
      return { path: outputs, outputs: JSON.parse(readFileSync(outputs, 'utf8'))[stack] ?? {} };
    },

    /** Deletes a stack; one that is not there is no failure. */
    destroy: (stack) =>
      cdk('destroy', [stack, '--exclusively', '--force', '--progress', 'events'], {
        app: 'bare-stacks.ts',
        onLine: countResources(stack, say),
      }),
  };
}

const tell_every_ms = 5_000;

/** One line every five seconds of the dozens that CloudFormation writes. */
function countResources(stack, say) {
  let next = Date.now() + tell_every_ms;
  return (line) => {
    const [, done, all] = /\|\s*(\d+)\/(\d+)\s*\|/.exec(line) ?? [];
    if (done === undefined || Date.now() < next) return;
    next = Date.now() + tell_every_ms;
    say(`  ${stack}: ${done} of ${all} resources`);
  };
}

/** What CloudFormation says went wrong first, or else the end. */
function lastWords(lines) {
  const failures = lines.filter((line) => /FAILED|❌|Error/.test(line));
  return (failures.length > 0 ? failures.slice(0, 8) : lines.slice(-15)).join('\n');
}
