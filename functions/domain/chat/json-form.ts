import type { Json, JsonObject } from '../json.ts';
import { compileSchema } from '../tools/compile-schema.ts';

/** What `response_format` asks for. */
export type JsonForm =
  | { readonly kind: 'text' }
  | { readonly kind: 'object' }
  | { readonly kind: 'schema'; readonly schema: JsonObject }
  | { readonly kind: 'unknown'; readonly detail: string };

export function jsonForm(response_format: JsonObject | undefined): JsonForm {
  if (response_format === undefined) return { kind: 'text' };
  const type = response_format['type'];
  switch (typeof type === 'string' ? type : '') {
    case 'text':
      return { kind: 'text' };
    case 'json_object':
      return { kind: 'object' };
    case 'json_schema': {
      const format = response_format['json_schema'];
      const schema = isObject(format) ? format['schema'] : undefined;
      if (!isObject(format) || typeof format['name'] !== 'string') {
        return { kind: 'unknown', detail: 'expected `json_schema` with a `name`' };
      }
      if (schema !== undefined && !isObject(schema))
        return { kind: 'unknown', detail: 'expected `schema` to be an object' };
      return { kind: 'schema', schema: schema ?? {} };
    }
    default:
      return { kind: 'unknown', detail: 'expected `type` to be text, json_object or json_schema' };
  }
}

/** What is wrong with a text that should have this form, or undefined. */
export function formFault(text: string, form: JsonForm): string | undefined {
  if (form.kind === 'text' || form.kind === 'unknown') return undefined;
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return 'it is not JSON';
  }
  if (form.kind === 'object') return isObject(value) ? undefined : 'it is not a JSON object';
  const compiled = compileSchema(form.schema);
  return compiled.kind === 'refused' ? compiled.reason : compiled.validate(value)[0];
}

/** What a model is told that has no such feature of its own. */
export function formInstruction(form: JsonForm): string {
  const rule = 'Answer with one JSON value and nothing else: no explanation, no code fence.';
  return form.kind === 'schema'
    ? `${rule} It must be valid against this JSON Schema:\n${JSON.stringify(form.schema)}`
    : `${rule} It must be an object.`;
}

/** Models that were asked for bare JSON like to fence it all the same. */
export function withoutFence(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith('```') || !trimmed.endsWith('```') || trimmed.length < 6) return trimmed;
  const firstLine = trimmed.indexOf('\n');
  return firstLine < 0 ? trimmed : trimmed.slice(firstLine + 1, -3).trim();
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
