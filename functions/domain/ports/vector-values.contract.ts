import type { Outcome } from './compute.ts';

/** A vector's answer in the form of an outcome. */
export function expected(one: { ok?: object; code?: string }): object {
  return one.code === undefined ? { ok: true, ...one.ok } : { ok: false, code: one.code };
}

/** Bytes as text: the vectors hold canonical JSON. */
export function plain(outcome: Outcome<object> | undefined): object {
  const fields = Object.entries(outcome ?? {});
  return Object.fromEntries(
    fields.map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString() : value]),
  );
}

export function utf8(text: string | undefined): Uint8Array {
  return new TextEncoder().encode(text ?? '');
}

export function hex(text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'hex'));
}
