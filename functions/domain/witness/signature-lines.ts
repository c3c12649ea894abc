import type { VerifierKeyText } from './verifier-key.ts';

/** A note as its text and its signature lines, each with its newline; the form was judged before. */
export function splitNote(note: string): { readonly text: string; readonly lines: readonly string[] } {
  const end = note.lastIndexOf('\n\n');
  return { text: note.slice(0, end + 1), lines: linesOf(note.slice(end + 2)) };
}

export function linesOf(signatures: string): readonly string[] {
  return signatures
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `${line}\n`);
}

/** Whether a line says that it is by this key; whether it is, only a verification tells. */
export function isLineOf(line: string, { name, id }: Pick<VerifierKeyText, 'name' | 'id'>): boolean {
  const [dash, ofName, encoded, ...more] = line.trimEnd().split(' ');
  if (dash !== '—' || ofName !== name || more.length > 0) return false;
  return (
    Buffer.from(encoded ?? '', 'base64')
      .subarray(0, 4)
      .toString('hex') === id
  );
}

/** Unix seconds in a cosignature line. */
export function timeOf(line: string): number {
  const bytes = Buffer.from(line.trimEnd().split(' ')[2] ?? '', 'base64');
  return bytes.length < 12 ? 0 : Number(bytes.readBigUInt64BE(4));
}
