import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../errors.ts';
import type { Item } from '../ports/table.ts';

/** Lower-case hex SHA-256 of the UTF-8 bytes: what names a version everywhere. */
export function digestOf(source: string): string {
  return createHash('sha256').update(source, 'utf8').digest('hex');
}

/** Refuses what cannot be a script before anything is stored or run; `param` is the field of the request. */
export function checkSource(source: string, param: string): void {
  const bytes = Buffer.byteLength(source, 'utf8');
  if (bytes > limits.runs.script_bytes_max) {
    throw new SignetError({
      code: 'invalid_request',
      detail: `expected \`${param}\` of at most ${limits.runs.script_bytes_max} bytes, got ${bytes}`,
      reason: 'script.size',
      param,
    });
  }
  if (source.trim() === '') {
    throw new SignetError({ code: 'invalid_request', detail: `expected Python in \`${param}\`, got nothing`, param });
  }
  if (source.includes('\0') || !source.isWellFormed()) {
    throw new SignetError({
      code: 'invalid_request',
      detail: `expected \`${param}\` without NUL and lone surrogates`,
      param,
    });
  }
}

/**
 * A script of the largest size fits one item in either form: as text while its JSON is small enough, else as base64,
 * which grows by a third at most where JSON escapes (`\n`, control characters) can grow two to six times.
 */
export function sourceItem(source: string): Item {
  const text = { source };
  if (Buffer.byteLength(JSON.stringify(text), 'utf8') <= limits.table.item_bytes_max / 2) return text;
  return { source_base64: Buffer.from(source, 'utf8').toString('base64') };
}

export function sourceOf(item: Item): string {
  if (typeof item.source === 'string') return item.source;
  if (typeof item.source_base64 === 'string') return Buffer.from(item.source_base64, 'base64').toString('utf8');
  throw new Error('a source row holds neither `source` nor `source_base64`');
}
