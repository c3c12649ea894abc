import { z } from '@hono/zod-openapi';
import { encodeMetrics, metricsFormat, openMetricsType, plainTextType } from '../../domain/metrics/open-metrics.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';

/** One text under two paths: scrapers look for the second, everything else of this API begins as the first. */
export const metricsEndpoints: readonly Endpoint[] = (['/api/v1/metrics', '/metrics'] as const).map((path) =>
  endpoint({
    method: 'GET',
    path,
    summary: 'Counters of the log and gauges of this process, as OpenMetrics or as Prometheus reads it',
    access: 'metrics:read',
    answers: { 200: { description: 'the metrics', type: 'text/plain', schema: z.string() } },
    handle: async ({ services, header }) => {
      const format = metricsFormat(header('accept') ?? '');
      return {
        kind: 'text',
        status: 200,
        type: format === 'openmetrics' ? openMetricsType : plainTextType,
        body: encodeMetrics(await services.metrics(), format),
        headers: { vary: 'accept' },
      };
    },
  }),
);
