/** A JSON value as the strict parser yields it: no `undefined`, no NaN, no duplicate keys behind it. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: Json;
}
