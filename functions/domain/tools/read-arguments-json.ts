import type { Json, JsonObject } from '../json.ts';

export type ArgumentsJson =
  | { readonly kind: 'object'; readonly args: JsonObject }
  | { readonly kind: 'refused'; readonly reason: string };

/** The arguments of a call, which models write as JSON text; no text at all means none. */
export function readArgumentsJson(text: string, bytes_max: number): ArgumentsJson {
  if (Buffer.byteLength(text) > bytes_max) return refused(`expected at most ${bytes_max} bytes of arguments`);
  if (text.trim() === '') return { kind: 'object', args: {} };
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return refused('the arguments are not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused('expected a JSON object of arguments');
  }
  if (isDeeper(value, depth_max)) return refused(`expected arguments at most ${depth_max} levels deep`);
  return { kind: 'object', args: value as JsonObject };
}

const depth_max = 64;

function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member: Json) => isDeeper(member, levels - 1));
}

function refused(reason: string): ArgumentsJson {
  return { kind: 'refused', reason };
}
