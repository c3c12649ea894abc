import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../errors.ts';
import type { VectorInput } from './vectors.ts';

const name = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** One vector of a put: exactly one of values and text, id, metadata and content within their bytes. */
export function checkInput(vector: VectorInput, index: number): void {
  const at = `vectors[${index}]`;
  const { id_bytes_max, metadata_bytes_max, content_bytes_max } = limits.vectors;
  if ((vector.values === undefined) === (vector.text === undefined)) {
    throw invalid('vector', at, `expected exactly one of \`values\` and \`text\` in \`${at}\``);
  }
  const checkBytes = (field: string, bytes: number, from: number, to: number): void => {
    if (bytes >= from && bytes <= to) return;
    throw invalid(field, `${at}.${field}`, `expected ${from} to ${to} bytes in \`${at}.${field}\`, got ${bytes}`);
  };
  if (vector.id !== undefined) checkBytes('id', Buffer.byteLength(vector.id), 1, id_bytes_max);
  if (vector.content !== undefined) checkBytes('content', Buffer.byteLength(vector.content), 0, content_bytes_max);
  if (vector.metadata !== undefined) {
    checkBytes('metadata', Buffer.byteLength(JSON.stringify(vector.metadata)), 0, metadata_bytes_max);
  }
}

/** Names that users choose and that enter storage keys. */
export function checkName(text: string, param: string): void {
  if (name.test(text)) return;
  throw invalid(
    'name',
    param,
    `expected 1 to 64 of a-z, 0-9, \`.\`, \`_\`, \`-\` in \`${param}\`, a letter or digit first`,
  );
}

export function checkCount(count: number, max: number, param: string): void {
  if (count >= 1 && count <= max) return;
  throw invalid(param, param, `expected 1 to ${max} of \`${param}\`, got ${count}`);
}

/** 400 `invalid_request`, which every caller can act on: what was expected, what came, where. */
export function invalid(reason: string, param: string, detail: string): SignetError {
  return new SignetError({ code: 'invalid_request', reason, param, detail });
}
