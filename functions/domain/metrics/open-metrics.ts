/** One family of metrics. Counters end in `_total` and units stand in the name: the formats' own rules. */
export interface MetricFamily {
  /** With `_total` for a counter. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'info' | 'histogram';
  /** One line, no full stop. */
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  readonly labels: { readonly [name: string]: string };
  readonly value: number;
  /** Of a histogram: which of its lines. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
export const plainTextType = 'text/plain; version=0.0.4; charset=utf-8';

export type MetricsFormat = 'openmetrics' | 'plain';

/**
 * The text that a scraper reads: OpenMetrics 1.0, or the older text format that every Prometheus knows. At most
 * `series_max` lines of samples, families in the given order. A family without samples is left out: what is not measured
 * is absent. A histogram is shown whole or not at all.
 *
 * Written here because a package would bring a registry, clocks and process metrics for what is forty lines of text.
 */
export function encodeMetrics(families: readonly MetricFamily[], format: MetricsFormat, series_max = 2_000): string {
  let left = series_max;
  const lines: string[] = [];
  for (const { name, type, help, samples } of families) {
    const shown = type === 'histogram' && samples.length > left ? [] : samples.slice(0, left);
    if (shown.length === 0) continue;
    left -= shown.length;
    const family = format === 'openmetrics' ? openName(name, type) : plainName(name, type);
    const line = type === 'info' ? `${openName(name, type)}_info` : name;
    lines.push(`# HELP ${family} ${escapeHelp(help, format)}`);
    lines.push(`# TYPE ${family} ${format === 'plain' && type === 'info' ? 'gauge' : type}`);
    if (format === 'openmetrics' && family.endsWith('_seconds')) lines.push(`# UNIT ${family} seconds`);
    for (const { labels, value, suffix = '' } of shown)
      lines.push(`${line}${suffix}${labelText(labels)} ${numberText(value)}`);
  }
  if (format === 'openmetrics') lines.push('# EOF');
  return lines.map((line) => `${line}\n`).join('');
}

/** Which of the two a scraper asks for by its `Accept`; the older one unless it names OpenMetrics as at least as welcome. */
export function metricsFormat(accept: string): MetricsFormat {
  let open = 0;
  let plain = 0;
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const version = parameters.find((text) => text.startsWith('version='))?.slice('version='.length);
    const quality = Number(parameters.find((text) => text.startsWith('q='))?.slice('q='.length) ?? 1);
    if (!(quality > 0)) continue;
    if (
      type === 'application/openmetrics-text' &&
      (version === undefined || version === '1.0.0' || version === '0.0.1')
    )
      open = Math.max(open, quality);
    if (type === 'text/plain') plain = Math.max(plain, quality);
  }
  return open > 0 && open >= plain ? 'openmetrics' : 'plain';
}

/** In OpenMetrics a family is named without the suffix that its samples carry. */
function openName(name: string, type: MetricFamily['type']): string {
  const suffix = type === 'counter' ? '_total' : type === 'info' ? '_info' : '';
  return suffix !== '' && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

function plainName(name: string, type: MetricFamily['type']): string {
  return type === 'info' ? `${openName(name, type)}_info` : name;
}

function labelText(labels: MetricSample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** The older format takes a quote in a help text as it is. */
function escapeHelp(help: string, format: MetricsFormat): string {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
