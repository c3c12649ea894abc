import { expect, test } from '@jest/globals';
import { collectMetrics } from './collect-metrics.ts';
import { bounds_s, makeDurations } from './durations.ts';
import { encodeMetrics } from './open-metrics.ts';
import { readMetrics } from './testing/read-metrics.ts';

test.each(['openmetrics', 'plain'] as const)('what took how long is shown cumulatively, by action (%s)', (format) => {
  let clock = 0;
  const durations = makeDurations({ elapsed: () => clock });
  for (const ms of [0, 1, 1.5, 240, 31_000]) {
    const end = durations.begin('chat');
    clock += ms;
    end();
  }
  durations.begin('none')();
  durations.begin('never ends');
  const shown = collectMetrics({
    uptime_s: 1,
    version: '0',
    constitution: {},
    tally: {},
    ledger: { pending: 0 },
    durations: durations.read(),
    queues: { jobs: 1.5 },
  });
  const read = readMetrics(encodeMetrics(shown, format), format);
  const bucket = (le: string) => read.get(`signet_request_duration_seconds_bucket{action="chat",le="${le}"}`);
  expect(['0.001', '0.0025', '0.1', '0.25', '1.0', '30.0', '+Inf'].map(bucket)).toEqual([2, 3, 3, 4, 4, 4, 5]);
  expect(read.get('signet_request_duration_seconds_count{action="chat"}')).toBe(5);
  expect(read.get('signet_request_duration_seconds_sum{action="chat"}')).toBeCloseTo(31.2425);
  expect(read.get('signet_request_duration_seconds_count{action="none"}')).toBe(1);
  expect([...read.keys()].filter((name) => name.includes('never'))).toEqual([]);
  expect([...read.keys()].filter((name) => name.includes('_bucket{action="chat"'))).toHaveLength(bounds_s.length + 1);
  expect(read.get('signet_queue_oldest_seconds{queue="jobs"}')).toBe(1.5);
});

test('a histogram that does not fit is left out whole', () => {
  const samples = [1, 2, 3].map((value) => ({ labels: {}, suffix: '_bucket' as const, value }));
  const family = { name: 'took_seconds', type: 'histogram', help: 'h', samples } as const;
  expect(encodeMetrics([family], 'plain', 2)).toBe('');
});
