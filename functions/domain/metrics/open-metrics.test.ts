import { describe, expect, test } from '@jest/globals';
import { collectMetrics } from './collect-metrics.ts';
import { encodeMetrics, metricsFormat, type MetricFamily } from './open-metrics.ts';
import { readMetrics } from './testing/read-metrics.ts';

const measures = {
  uptime_s: 12.5,
  version: '0.1.0',
  constitution: { thresholds: { snr: 8500, ihsan: 9500 } },
  tally: { 'requests|chat|ok': 3, 'requests|none|malformed': 1, 'refusals|policy_denied': 1, 'tokens|groq|in': 9 },
  ledger: { pending: 4 },
};

const odd: MetricFamily = {
  name: 'odd_total',
  type: 'counter',
  help: 'a "quote", a \\ and\na line',
  samples: [{ labels: { text: 'a "quote", a \\ and\na line' }, value: 1e21 }],
};

describe.each(['openmetrics', 'plain'] as const)('%s', (format) => {
  test('is what its grammar takes, and says what was measured', () => {
    const read = readMetrics(encodeMetrics(collectMetrics(measures), format), format);
    expect(read.get('signet_uptime_seconds')).toBe(12.5);
    expect(read.get('signet_requests_total{action="chat",code="ok"}')).toBe(3);
    expect(read.get('signet_requests_total{action="none",code="malformed"}')).toBe(1);
    expect(read.get('signet_refusals_total{code="policy_denied"}')).toBe(1);
    expect(read.get('signet_tokens_total{provider="groq",kind="in"}')).toBe(9);
    expect(read.get('signet_snr_threshold_ratio')).toBe(0.85);
    expect(read.get('signet_ihsan_threshold_ratio')).toBe(0.95);
    expect(read.get('signet_ledger_pending')).toBe(4);
    expect(read.get('signet_build_info{version="0.1.0"}')).toBe(1);
  });

  test('leaves out what has no source', () => {
    const text = encodeMetrics(collectMetrics({ ...measures, constitution: {}, tally: {} }), format);
    for (const absent of ['ledger_size', 'checkpoint_age', 'witness', 'ws_', 'threshold', 'requests', 'gate_', 'cost'])
      expect(text).not.toContain(absent);
  });

  test('shows what has one', () => {
    const ledger = { pending: 0, size: 7, checkpoint_age_s: 2, witness_lag: { w1: 3 } };
    const shown = collectMetrics({ ...measures, ledger, ws_connections: 2, tally: { 'gates|G2|fail': 5 } });
    const read = readMetrics(encodeMetrics(shown, format), format);
    expect(read.get('signet_ledger_size')).toBe(7);
    expect(read.get('signet_checkpoint_age_seconds')).toBe(2);
    expect(read.get('signet_witness_lag_entries{witness="w1"}')).toBe(3);
    expect(read.get('signet_ws_connections')).toBe(2);
    expect(read.get('signet_gate_results_total{gate="G2",state="fail"}')).toBe(5);
  });

  test('escapes what stands in a label or a help text', () => {
    expect(
      readMetrics(encodeMetrics([odd], format), format).get(
        String.raw`odd_total{text="a \"quote\", a \\ and\na line"}`,
      ),
    ).toBe(1e21);
  });

  test('has at most so many series', () => {
    const samples = Array.from({ length: 5_000 }, (_, n) => ({ labels: { n: String(n) }, value: n }));
    const text = encodeMetrics([{ ...odd, samples }, odd], format);
    expect(readMetrics(text, format).size).toBe(2_000);
  });
});

test('OpenMetrics ends with its mark, the older format has none', () => {
  expect(encodeMetrics([odd], 'openmetrics').endsWith('\n# EOF\n')).toBe(true);
  expect(encodeMetrics([odd], 'plain')).not.toContain('EOF');
  expect(encodeMetrics([], 'openmetrics')).toBe('# EOF\n');
});

test.each([
  ['', 'plain'],
  ['*/*', 'plain'],
  ['text/plain', 'plain'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
  ['application/openmetrics-text;version=9.0.0', 'plain'],
  ['application/openmetrics-text;q=0, text/plain', 'plain'],
  ['application/openmetrics-text;q=0.2, text/plain;q=0.5', 'plain'],
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
])('for `%s` it is %s', (accept, format) => {
  expect(metricsFormat(accept)).toBe(format);
});
