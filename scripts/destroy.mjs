#!/usr/bin/env node
// `npm run destroy -- --stage dev`: takes the functions away and keeps data and keys, unless told otherwise.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { confirm } from './ask.mjs';
import { cdkOf } from './cdk.mjs';
import { destroyWithBucket, emptyBucket } from './empty-bucket.mjs';
import { endAll } from './processes.mjs';
import { explainFailure, readStageArguments } from './stage-arguments.mjs';
import { ensureInfraPackages, ensurePackages, root } from './toolchain.mjs';

const usage = `Usage: npm run destroy -- --stage <name> [options]

  --stage <name>      such as dev
  --with-state        data and keys too: nothing brings them back
  --profile <name>    profile of the AWS configuration (AWS_PROFILE)
  --region <name>     region (that of the profile, AWS_REGION)
  --genesis <file>    the stage's public genesis (infra/genesis/<name>.json)
  --yes               ask nothing

Examples:
  npm run destroy -- --stage dev                 functions, API and alarms go; deploy brings them back
  npm run destroy -- --stage dev --with-state    the stage ends
`;
const again = 'the same command again goes on where this one ended';
const say = (text) => process.stdout.write(`${text}\n`);

process.exitCode = await main(process.argv.slice(2)).catch((error) => explainFailure(error, { usage, again }));

async function main(argv) {
  const wanted = readStageArguments(argv, {
    usage,
    allowed: ['stage', 'profile', 'region', 'genesis', 'with-state', 'yes'],
  });
  if (wanted === undefined) return 0;
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => endAll());
  const { stage, 'with-state': with_state } = wanted;
  const [app, state] = [`Signet-${stage}-App`, `Signet-${stage}-State`];
  const places = {
    genesis: resolve(wanted.genesis ?? join(root, 'infra', 'genesis', `${stage}.json`)),
    home: join(resolve(process.env.SIGNET_HOME ?? join(root, '.signet')), 'stages', stage),
  };

  await ensurePackages(say);
  await ensureInfraPackages(say);
  const { profile, region } = wanted;
  const cdk = cdkOf({ stage, profile, region, say });
  const place = await cdk.place({ app: 'bare-stacks.ts' });
  say(`stage ${stage}: account ${place.account}, region ${place.region}`);
  if (!wanted.yes) {
    await confirm(`delete ${app}: functions, API, schedule, alarms?`);
    if (with_state) await confirm(`delete ${state} too: every record, object, receipt and key of ${stage}?`, stage);
  }

  say(`\n[1/${with_state ? 3 : 1}] ${app}`);
  await cdk.destroy(app);
  if (!with_state) {
    say(`deleted. Kept: ${state} with ${keptData(places.home)}, and what began the stage:`);
    say(`  ${here(places.genesis)}\n  ${here(places.home)}`);
    say(`\nnpm run deploy -- --stage ${stage}                  brings the functions back, the same node`);
    say(`npm run destroy -- --stage ${stage} --with-state    deletes the rest`);
    return 0;
  }
  say(`\n[2/3] ${state}`);
  await destroyWithBucket({
    destroy: () => cdk.destroy(state),
    bucket: outputsOf(places.home).BucketName,
    empty: async (bucket) => {
      const { S3Client } = await import('@aws-sdk/client-s3');
      return emptyBucket({ client: new S3Client({ region: place.region, profile }), bucket });
    },
    say,
  }).catch(explainProtection);
  say('\n[3/3] what began the stage');
  for (const line of setAside({ stage, places })) say(`  ${line}`);
  say('\ndeleted. KMS deletes the keys after its waiting time; until then they can be kept by cancelling that.');
  return 0;
}

function keptData(home) {
  const { TableName = '', BucketName = '' } = outputsOf(home);
  return `table ${TableName}, bucket ${BucketName}, queues, keys in KMS`.replaceAll(' ,', ',');
}

/** What the State stack said of itself when it was deployed from this machine; empty where it was not. */
function outputsOf(home) {
  try {
    const [outputs] = Object.values(JSON.parse(readFileSync(join(home, 'state-outputs.json'), 'utf8')));
    return Object(outputs);
  } catch {
    return {};
  }
}

function explainProtection(error) {
  if (!/TerminationProtection/i.test(error.message)) throw error;
  throw new Error(
    'the stage keeps its data: its State stack is protected. Deploy it once with `"keeps_data": false` in its configuration (infra/stages/<name>.json), then destroy again',
    { cause: error },
  );
}

/**
 * The root key may be needed to explain old receipts, so nothing is deleted on this machine; but the next deploy begins
 * another node, whose issuer key is another one.
 */
function setAside({ stage, places }) {
  const date = new Date().toISOString().replaceAll(/[:.]/g, '');
  const old = join(dirname(places.home), `${stage}.${date}`);
  const told = [];
  if (existsSync(places.home)) {
    renameSync(places.home, old);
    told.push(`keys of the old node: ${here(old)}`);
  }
  if (!existsSync(places.genesis)) return told;
  mkdirSync(old, { recursive: true, mode: 0o700 });
  const kept = join(old, 'genesis.json');
  if (existsSync(kept)) rmSync(places.genesis);
  else renameSync(places.genesis, kept);
  told.push(`its genesis: ${here(kept)}`);
  return told;
}

function here(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
