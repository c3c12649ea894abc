import type { MetricsFormat } from '../open-metrics.ts';

/**
 * Reads a text strictly by the grammar of its format, as far as counters, gauges, histograms and info metrics go: each line must be
 * one that it knows, metadata stands before its samples, a family comes once, and so does a series.
 * @returns the values by series, as they are written
 * @throws {Error} naming the line at fault
 */
export function readMetrics(text: string, format: MetricsFormat): ReadonlyMap<string, number> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('expected a line feed at the end');
  const lines = text.split('\n').slice(0, -1);
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('expected `# EOF` at the end');
  const series = new Map<string, number>();
  const families = new Map<string, string>();
  let family: string | undefined;
  for (const line of lines) {
    const meta = /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
    if (meta !== null) {
      const [, kind, name = '', rest = ''] = meta;
      if (kind === 'HELP' && families.has(name)) throw new Error(`a family that comes twice: ${line}`);
      if (kind === 'HELP' && !helpForm[format].test(rest)) throw new Error(`a help text that is not escaped: ${line}`);
      if (kind === 'HELP') families.set(name, 'unknown');
      else if (name !== family) throw new Error(`metadata of another family: ${line}`);
      if (kind === 'TYPE') families.set(name, rest);
      if (kind === 'UNIT' && (format === 'plain' || !name.endsWith(`_${rest}`)))
        throw new Error(`a wrong unit: ${line}`);
      family = name;
      continue;
    }
    const sample = sampleForm.exec(line);
    if (sample === null) throw new Error(`a line of no known form: ${line}`);
    const [, name = '', labels = '', value = ''] = sample;
    if (family === undefined || !suffixesOf(format, families.get(family)).some((suffix) => name === family + suffix)) {
      throw new Error(`a sample outside of its family: ${line}`);
    }
    if (series.has(name + labels)) throw new Error(`a series that comes twice: ${line}`);
    series.set(name + labels, Number(value.replace('Inf', 'Infinity')));
  }
  return series;
}

const label = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\n"])*"`;
const number = String.raw`[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN`;
const sampleForm = new RegExp(String.raw`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{${label}(?:,${label})*\})? (${number})$`);
const helpForm = { openmetrics: /^(?:[^\\"]|\\[\\n"])*$/, plain: /^(?:[^\\]|\\[\\n])*$/ };

function suffixesOf(format: MetricsFormat, type: string | undefined): readonly string[] {
  if (type === 'histogram') return ['_bucket', '_count', '_sum'];
  if (format === 'plain') return [''];
  return [type === 'counter' ? '_total' : type === 'info' ? '_info' : ''];
}
