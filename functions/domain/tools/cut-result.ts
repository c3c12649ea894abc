import type { Json } from '../json.ts';

/** A result in at most `bytes_max` bytes of JSON; a longer one becomes the beginning of its JSON text, cut at a character. */
export function cutResult(value: Json, bytes_max: number): { value: Json; truncated: boolean; bytes: number } {
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes <= bytes_max) return { value, truncated: false, bytes };
  const source = typeof value === 'string' ? value : text;
  let cut = Buffer.from(source)
    .subarray(0, bytes_max)
    .toString('utf8')
    .replace(/\uFFFD$/, '');
  // Escapes make the JSON longer than the text: shorten until it fits as a JSON string.
  while (Buffer.byteLength(JSON.stringify(cut)) > bytes_max) {
    const excess = Buffer.byteLength(JSON.stringify(cut)) - bytes_max;
    cut = cut.slice(0, Math.max(0, cut.length - Math.max(1, Math.ceil(excess / 6))));
  }
  return { value: cut, truncated: true, bytes };
}
