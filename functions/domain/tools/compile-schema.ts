import { createHash } from 'node:crypto';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import { BoundedMap } from '../bounded-map.ts';
import type { Json, JsonObject } from '../json.ts';
import { findSchemaFault } from './find-schema-fault.ts';

export type CompiledSchema =
  | {
      readonly kind: 'compiled';
      /** What is wrong with a value, in the words of the schema; empty if nothing is. At most eight faults. */
      readonly validate: (value: Json) => readonly string[];
    }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Compiles a JSON Schema 2020-12 that a client wrote: at most 32 KiB, references within itself only, patterns in
 * linear time. Compiled schemas are kept by the digest of their text, the least recently used of 256 goes first.
 *
 * @example const compiled = compileSchema({ type: 'object', required: ['a'] });
 */
export function compileSchema(schema: JsonObject): CompiledSchema {
  const text = JSON.stringify(schema);
  if (Buffer.byteLength(text) > schema_bytes_max) {
    return { kind: 'refused', reason: `expected a schema of at most ${schema_bytes_max} bytes` };
  }
  const digest = createHash('sha256').update(text).digest('base64');
  const known = cache.get(digest);
  if (known !== undefined) {
    cache.delete(digest);
    cache.set(digest, known);
    return known;
  }
  const compiled = compile(schema);
  cache.set(digest, compiled);
  return compiled;
}

const schema_bytes_max = 32_768;
const cache_max = 256;
const cache = new BoundedMap<string, CompiledSchema>(cache_max);

function compile(schema: JsonObject): CompiledSchema {
  const fault = findSchemaFault(schema);
  if (fault !== undefined) return { kind: 'refused', reason: fault };
  const { $schema: _dialect, $id: _id, ...body } = schema;
  let validator: ValidateFunction;
  try {
    validator = newAjv().compile(body);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'refused', reason: `not a JSON Schema 2020-12: ${reason.slice(0, 300)}` };
  }
  return { kind: 'compiled', validate: (value) => faultsOf(validator, value) };
}

/**
 * One instance for each schema: ajv keeps what it compiled, and a schema of one tenant must not meet another's names.
 * It is dropped with the cache entry.
 */
function newAjv(): Ajv2020 {
  return new Ajv2020({
    strict: false,
    allErrors: false,
    validateFormats: false,
    inlineRefs: false,
    addUsedSchema: false,
    logger: false,
    unicodeRegExp: true,
    code: { regExp: linearRegExp },
  });
}

/**
 * ajv takes any engine with `test`. Each pattern needs its own `toString`: ajv names what it generates by the
 * engine object's text, and with the inherited `[object Object]` all patterns of a schema would become the first one.
 */
function linearRegExp(pattern: string): { test: (text: string) => boolean; toString: () => string } {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => compiled.matcher(text).find(), toString: () => `linear:${pattern}` };
}
linearRegExp.code = 'linearRegExp';

function faultsOf(validator: ValidateFunction, value: Json): readonly string[] {
  try {
    if (validator(value)) return [];
  } catch (error) {
    if (error instanceof RangeError) return ['the value nests deeper than the schema can follow'];
    throw error;
  }
  return (validator.errors ?? []).slice(0, 8).map(sentenceOf);
}

function sentenceOf(error: ErrorObject): string {
  const place = error.instancePath === '' ? 'the value' : `\`${error.instancePath.slice(0, 200)}\``;
  const extra =
    error.keyword === 'additionalProperties' ? ` (\`${String(error.params['additionalProperty']).slice(0, 64)}\`)` : '';
  return `${place} ${error.message ?? `fails \`${error.keyword}\``}${extra}`;
}
