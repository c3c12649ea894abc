import type { JsonObject } from '../json.ts';
import { bounds_s, type Duration } from './durations.ts';
import type { MetricFamily, MetricSample } from './open-metrics.ts';
import { countsOfKind, tallied, type Tally, type TallyKind } from './tally.ts';

/** What is measured or read now. What has no source is not here, and then its metric is absent. */
export interface Measures {
  readonly uptime_s: number;
  readonly version: string;
  /** The signed constitution in force: thresholds are basis points. */
  readonly constitution: JsonObject;
  readonly tally: Tally;
  readonly ledger: {
    /** Entries stored and not sealed. */
    readonly pending: number;
    readonly size?: number;
    readonly checkpoint_age_s?: number;
    /** By witness: entries that it has not cosigned. */
    readonly witness_lag?: { readonly [witness: string]: number };
  };
  readonly ws_connections?: number;
  /** By queue: seconds for which its oldest message is overdue. */
  readonly queues?: { readonly [queue: string]: number };
  /** Where a process stays long enough for its own times to mean something. */
  readonly durations?: readonly Duration[];
}

/** The metrics of a node, in the order in which they are shown. */
export function collectMetrics(measures: Measures): readonly MetricFamily[] {
  const { uptime_s, version, tally, ledger, ws_connections, queues = {}, durations = [] } = measures;
  return [
    gauge('signet_uptime_seconds', 'Seconds since this process opened the node', uptime_s),
    counter('requests', 'Decisions, and requests turned away before one, by action and code', tally),
    threshold(measures, 'snr'),
    threshold(measures, 'ihsan'),
    counter('gates', 'Results of gates', tally, 'signet_gate_results_total'),
    counter('refusals', 'Decisions that were refusals, by code', tally),
    gauge('signet_ledger_size', 'Sealed entries of the log', ledger.size),
    gauge('signet_ledger_pending', 'Entries that are stored and not sealed', ledger.pending),
    gauge('signet_checkpoint_age_seconds', 'Seconds since the newest checkpoint was signed', ledger.checkpoint_age_s),
    {
      name: 'signet_witness_lag_entries',
      type: 'gauge',
      help: 'Sealed entries that a witness has not cosigned',
      samples: Object.entries(ledger.witness_lag ?? {}).map(([witness, value]) => ({ labels: { witness }, value })),
    },
    counter('tokens', 'Tokens of chats, by provider and kind', tally),
    gauge('signet_ws_connections', 'Open event sockets of this process', ws_connections),
    {
      name: 'signet_queue_oldest_seconds',
      type: 'gauge',
      help: 'Seconds for which the job that waited longest is overdue',
      samples: Object.entries(queues).map(([queue, value]) => ({ labels: { queue }, value })),
    },
    {
      name: 'signet_request_duration_seconds',
      type: 'histogram',
      help: 'Seconds to the head of the answer in this process, by action, or none where nothing is decided',
      samples: durations.flatMap(histogramSamples),
    },
    {
      name: 'signet_build_info',
      type: 'info',
      help: 'What runs here',
      samples: [{ labels: { version }, value: 1 }],
    },
  ];
}

function gauge(name: string, help: string, value: number | undefined): MetricFamily {
  return { name, type: 'gauge', help, samples: value === undefined ? [] : [{ labels: {}, value }] };
}

function counter(kind: TallyKind, help: string, tally: Tally, name = `signet_${kind}_total`): MetricFamily {
  const names = tallied[kind];
  const samples: MetricSample[] = countsOfKind(tally, kind)
    .toSorted((a, b) => (a.labels.join('|') < b.labels.join('|') ? -1 : 1))
    .map(({ labels, count }) => ({
      labels: Object.fromEntries(names.map((label, index) => [label, labels[index] ?? ''])),
      value: count,
    }));
  return { name, type: 'counter', help, samples };
}

function histogramSamples({ action, counts, sum_s }: Duration): readonly MetricSample[] {
  let total = 0;
  const buckets = counts.map((count, index): MetricSample => {
    total += count;
    return { suffix: '_bucket', labels: { action, le: boundText(bounds_s[index]) }, value: total };
  });
  return [
    ...buckets,
    { suffix: '_count', labels: { action }, value: total },
    { suffix: '_sum', labels: { action }, value: sum_s },
  ];
}

/** OpenMetrics wants the floats of `le` in one spelling: `1.0`, not `1`. */
function boundText(bound: number | undefined): string {
  if (bound === undefined) return '+Inf';
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

/** Absent where the constitution has no such threshold. */
function threshold({ constitution }: Measures, name: 'snr' | 'ihsan'): MetricFamily {
  const thresholds = constitution['thresholds'] as JsonObject | undefined;
  const points = thresholds?.[name];
  return gauge(
    `signet_${name}_threshold_ratio`,
    `Threshold \`${name}\` of the constitution in force`,
    typeof points === 'number' ? points / 10_000 : undefined,
  );
}
