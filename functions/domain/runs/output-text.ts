import { Buffer } from 'node:buffer';
import type { ScriptEvent } from '../ports/script-host.ts';

/** Neighbours of one stream as one piece. */
export function coalesce(events: readonly ScriptEvent[]): readonly ScriptEvent[] {
  const joined: { kind: ScriptEvent['kind']; text: string }[] = [];
  for (const { kind, text } of events) {
    const previous = joined.at(-1);
    if (previous?.kind === kind) previous.text += text;
    else joined.push({ kind, text });
  }
  return joined;
}

/** In pieces of at most `units` code units. */
export function splitText(text: string, units: number): readonly string[] {
  const pieces: string[] = [];
  for (let rest = text; rest !== ''; ) {
    const piece = wellFormedStart(rest, units);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  }
  return pieces;
}

/** The longest start of at most `bytes` UTF-8 bytes that ends between characters. */
export function cutToBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text, 'utf8');
  if (encoded.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.subarray(0, end).toString('utf8');
}

/** The text after its first `bytes` UTF-8 bytes, and after the character that they end in. */
export function withoutBytes(text: string, bytes: number): string {
  if (bytes <= 0) return text;
  const encoded = Buffer.from(text, 'utf8');
  let start = Math.min(bytes, encoded.length);
  while (start < encoded.length && ((encoded[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return encoded.subarray(start).toString('utf8');
}

export function bytesOf(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function wellFormedStart(text: string, units: number): string {
  if (text.length <= units) return text;
  const last = text.charCodeAt(units - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? units - 1 : units);
}
