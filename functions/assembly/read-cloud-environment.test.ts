import { expect, test } from '@jest/globals';
import { CloudEnvironmentError, readCloudEnvironment } from './read-cloud-environment.ts';

const environment = {
  SIGNET_STAGE: 'dev',
  SIGNET_TABLE: 'table',
  SIGNET_BUCKET: 'bucket',
  SIGNET_QUEUE_RUNS: 'https://sqs.eu-west-1.amazonaws.com/1/runs',
  SIGNET_QUEUE_RUNS_DLQ: 'https://sqs.eu-west-1.amazonaws.com/1/runs-dlq',
  SIGNET_QUEUE_LEDGER: 'https://sqs.eu-west-1.amazonaws.com/1/ledger.fifo',
  SIGNET_FN_EMBED_TEXT: 'embed',
  SIGNET_FN_SCORE_VECTORS: 'score',
  SIGNET_FN_SIGN_ENVELOPE: 'sign',
  SIGNET_FN_RUN_SCRIPT: 'run',
  SIGNET_API_URL: 'https://x.execute-api.eu-west-1.amazonaws.com/dev',
  SIGNET_SECRETS_PREFIX: 'signet/dev/',
};

test('reads what a function needs, with the places of the configuration layer', () => {
  expect(readCloudEnvironment(environment, 'serve-api')).toEqual({
    stage: 'dev',
    table: 'table',
    bucket: 'bucket',
    queue_runs: environment.SIGNET_QUEUE_RUNS,
    queue_ledger: environment.SIGNET_QUEUE_LEDGER,
    fn_embed_text: 'embed',
    fn_score_vectors: 'score',
    fn_sign_envelope: 'sign',
    fn_run_script: 'run',
    api_url: environment.SIGNET_API_URL,
    secrets_prefix: 'signet/dev/',
    genesis: '/opt/signet/genesis.json',
    settings: '/opt/signet/signet.json',
    script_isolation: 'shared',
  });
  expect(readCloudEnvironment(environment, 'advance-run').queue_runs_dlq).toBe(environment.SIGNET_QUEUE_RUNS_DLQ);
});

test('asks of a function for what it needs alone', () => {
  const { SIGNET_STAGE, SIGNET_TABLE, SIGNET_QUEUE_RUNS, SIGNET_QUEUE_LEDGER } = environment;
  const of_sweep = { SIGNET_STAGE, SIGNET_TABLE, SIGNET_QUEUE_RUNS, SIGNET_QUEUE_LEDGER };
  expect(readCloudEnvironment(of_sweep, 'sweep-due')).toEqual({
    stage: 'dev',
    table: 'table',
    queue_runs: SIGNET_QUEUE_RUNS,
    queue_ledger: SIGNET_QUEUE_LEDGER,
  });
  const { SIGNET_BUCKET, SIGNET_FN_SIGN_ENVELOPE } = environment;
  const of_sealing = { SIGNET_STAGE, SIGNET_TABLE, SIGNET_BUCKET, SIGNET_FN_SIGN_ENVELOPE };
  expect(readCloudEnvironment(of_sealing, 'seal-ledger')).toEqual({
    stage: 'dev',
    table: 'table',
    bucket: 'bucket',
    fn_sign_envelope: 'sign',
    settings: '/opt/signet/signet.json',
  });
});

test('names every variable that is missing or set to nothing', () => {
  const refused = () => readCloudEnvironment({ SIGNET_STAGE: 'dev', SIGNET_TABLE: '' }, 'sweep-due');
  expect(refused).toThrow(CloudEnvironmentError);
  expect(refused).toThrow('expected `SIGNET_TABLE`, found none; expected `SIGNET_QUEUE_RUNS`, found none');
});

test.each([
  ['SIGNET_STAGE', 'Dev/1'],
  ['SIGNET_QUEUE_RUNS', 'runs'],
  ['SIGNET_QUEUE_LEDGER', 'https://sqs.eu-west-1.amazonaws.com/1/ledger'],
  ['SIGNET_QUEUE_RUNS_DLQ', 'arn:aws:sqs:eu-west-1:1:runs-dlq'],
  ['SIGNET_API_URL', 'https://x.example/dev/'],
  ['SIGNET_SECRETS_PREFIX', 'signet/dev'],
  ['SIGNET_SCRIPT_ISOLATION', 'none'],
])('says what it expected of %s', (name, text) => {
  const refused = () => readCloudEnvironment({ ...environment, [name]: text }, 'advance-run');
  expect(refused).toThrow(`expected \`${name}\` to be`);
});
