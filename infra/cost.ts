// `node infra/cost.ts` prints the table of the README: what a stage costs in a month, from prices, configuration and a
// stated load.
import { fileURLToPath } from 'node:url';
import { type FunctionName, functionNames, makeConfig, type StageConfig } from './config.ts';
import list from './prices.json' with { type: 'json' };

export type Prices = typeof list.prices;

/** What the prices are worth, for whoever reads a sum of them. */
export const provenance = `prices typed by hand for ${list.region} on ${list.as_of}, of which those of API Gateway and Lambda were compared with AWS's own and the others were not`;

/** What one request of a kind uses. Times are billed ones, starts left out. */
export interface RequestKind {
  readonly title: string;
  /** Part of all requests, 0..1. */
  readonly share: number;
  readonly function_ms: Partial<Readonly<Record<FunctionName, number>>>;
  /** Invocations of serve-api beside the request itself: a script's calls come back through the API. */
  readonly calls_back?: number;
  /** Of DynamoDB: a write of up to 1 KiB is one unit, in a transaction two; a consistent read of up to 4 KiB is one. */
  readonly write_units: number;
  readonly read_units: number;
  /** Each is sent, received and deleted. */
  readonly messages?: number;
  /** Stays in the table: receipt and content. */
  readonly kept_bytes: number;
}

/**
 * The stated load: mostly chat that waits for a provider, some embeddings and vector searches, few scripts. Units of chat
 * were counted on an emulator (docs/decisions/0079); the other rows are estimated from it by what they do more.
 */
export const load: readonly RequestKind[] = [
  {
    title: 'chat that waits 1.5 s for a provider',
    share: 0.8,
    function_ms: { 'serve-api': 1_500 },
    write_units: 13,
    read_units: 2,
    kept_bytes: 6_000,
  },
  {
    title: 'embedding of a short text',
    share: 0.1,
    function_ms: { 'serve-api': 80, 'embed-text': 60 },
    write_units: 13,
    read_units: 2,
    kept_bytes: 3_000,
  },
  {
    title: 'search among 1,000 vectors of 384 numbers',
    share: 0.08,
    function_ms: { 'serve-api': 150, 'score-vectors': 15 },
    write_units: 13,
    read_units: 500,
    kept_bytes: 3_000,
  },
  {
    title: 'script of 10 s with five calls',
    share: 0.02,
    function_ms: { 'serve-api': 600, 'advance-run': 200, 'run-script': 10_000 },
    calls_back: 12,
    write_units: 90,
    read_units: 30,
    messages: 2,
    kept_bytes: 20_000,
  },
];

/** What a month has of each. */
const month = { minutes: 43_200, hours: 720, s: 2_592_000 };
/** Lambda's poller of each queue keeps five receives of 20 s under way, also when nothing comes. */
const idle_receives = (2 * 5 * month.s) / 20;
/** Due rows, and entries that wait for the log. */
const swept_shards = 16 + 8;
/**
 * What one round of sealing uses, beside its entries: each wake-up is one, and wakes more than a second apart are all of
 * them. Estimated from the calls that a round makes, not measured.
 */
const round = { ms: 200, write_units: 8, read_units: 12, puts: 5, gets: 4, messages: 1 };
/** Its place is written and its waiting row deleted, in one transaction. */
const write_units_per_sealed = 6;
const sweep_ms = 150;
const log_bytes_per_invocation = 1_000;
/** X-Ray's default rule: the first request of each second, and one in twenty of the others. */
const traced_share = 0.05;
const deployed_gb = 0.3;

/** Dollars a month by what they are paid for. */
export type Bill = Readonly<Record<string, number>>;

/** What a stage costs that gets `requests` of the stated load in a month; 0 is an idle one. */
export function monthlyBill(request: {
  readonly requests: number;
  readonly config: StageConfig;
  readonly prices?: Prices;
  readonly kinds?: readonly RequestKind[];
}): Bill {
  const { requests, config, prices = list.prices, kinds = load } = request;
  const over = (amount: (kind: RequestKind) => number): number =>
    kinds.reduce((sum, kind) => sum + requests * kind.share * amount(kind), 0);

  // The log grows at most once a second, and a request that comes alone makes it grow.
  const rounds = Math.min(month.s, requests);
  const seal_gb_s = (rounds * round.ms * memoryGb(config, 'seal-ledger')) / 1_000;
  const sweep_gb_s = (month.minutes * sweep_ms * memoryGb(config, 'sweep-due')) / 1_000;
  const gb_s = functionNames.reduce(
    (sum, name) => sum + over(({ function_ms }) => ((function_ms[name] ?? 0) * memoryGb(config, name)) / 1_000),
    sweep_gb_s + seal_gb_s,
  );
  const api_requests = over(({ calls_back = 0 }) => 1 + calls_back);
  const other_invocations = over(({ function_ms }) => Object.keys(function_ms).length - 1);
  // A round invokes the signer, too.
  const invocations = month.minutes + api_requests + other_invocations + 2 * rounds;
  const traces = month.minutes + rounds + Math.min(api_requests, month.s + api_requests * traced_share);
  const kept_gb = over(({ kept_bytes }) => kept_bytes) / 1e9;
  const log_gb = (invocations * log_bytes_per_invocation) / 1e9;
  // A session for each hour in which something is asked, at most, and a checkpoint a round.
  const signatures = Math.min(month.hours, requests) + rounds;

  return {
    'API Gateway': api_requests * prices.api_request,
    Lambda: invocations * prices.lambda_request + gb_s * prices.lambda_arm64_gb_s,
    DynamoDB:
      (over(({ write_units }) => write_units + write_units_per_sealed) + rounds * round.write_units) *
        prices.table_write_unit +
      (over(({ read_units }) => read_units) + rounds * round.read_units + swept_shards * month.minutes) *
        prices.table_read_unit +
      kept_gb * (prices.table_gb_month + prices.table_recovery_gb_month),
    SQS:
      (idle_receives + over(({ messages = 0 }) => 3 * messages) + 3 * rounds * round.messages) * prices.queue_request,
    'S3 (what is deployed, and the log)':
      deployed_gb * prices.object_gb_month + rounds * (round.puts * prices.object_put + round.gets * prices.object_get),
    'KMS (three keys)': 3 * prices.key_month + signatures * prices.signature,
    'Secrets Manager (one secret)': prices.secret_month + month.hours * prices.secret_read,
    'CloudWatch alarms': alarms * prices.alarm_month,
    'CloudWatch logs': log_gb * (prices.log_gb + (prices.log_gb_month * config.log_days) / 30),
    'X-Ray': traces * prices.trace,
  };
}

/** Errors and throttles of each function, and what the stage as a whole is watched for (tests/infra compares). */
export const alarms = 2 * functionNames.length + 8;

/** The table of the README. */
export function costTable(): string {
  const config = makeConfig({ stage: 'prod' });
  const columns = [0, 10_000, 1_000_000].map((requests) => monthlyBill({ requests, config }));
  const names = Object.keys(columns[0] ?? {});
  const row = (name: string, cells: readonly string[]) => `| ${name} | ${cells.join(' | ')} |`;
  const total = (bill: Bill) => Object.values(bill).reduce((sum, dollars) => sum + dollars, 0);
  return [
    `US dollars a month, ${provenance}; no free tier; providers and traffic not counted.`,
    `The load: ${load.map(({ title, share }) => `${Math.round(share * 100)} % ${title}`).join('; ')}.`,
    '',
    row('', ['idle', '10 K requests', '1 M requests']),
    row('---', ['---:', '---:', '---:']),
    ...names.map((name) =>
      row(
        name,
        columns.map((bill) => dollars(bill[name] ?? 0)),
      ),
    ),
    row(
      '**all**',
      columns.map((bill) => `**${dollars(total(bill))}**`),
    ),
  ].join('\n');
}

function memoryGb(config: StageConfig, name: FunctionName): number {
  return config.functions[name].memory_mb / 1_024;
}

function dollars(amount: number): string {
  return amount.toFixed(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(costTable());
