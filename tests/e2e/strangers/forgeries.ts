// What somebody would change in a file, and could make if one key of another role were theirs.
import { createHash, createPrivateKey, sign } from 'node:crypto';

/** A changed text and what was done to it. */
export interface Forgery {
  readonly name: string;
  readonly text: string;
}

/** One bit of each byte turned over, another of the eight at each place. */
export function flips(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from(bytes, (byte, index) => {
    const flipped = Buffer.from(bytes);
    flipped[index] = byte ^ (1 << (index % 8));
    return flipped;
  });
}

/** The key of a role in a node's home: its Multikey, its 32 bytes, and what it signs. */
export interface RoleKey {
  readonly key_id: string;
  readonly public_key: Buffer;
  sign(bytes: Uint8Array): Buffer;
}

export function roleKey(pem: string, key_id: string): RoleKey {
  const key = createPrivateKey(pem);
  const { x = '' } = key.export({ format: 'jwk' });
  return { key_id, public_key: Buffer.from(x, 'base64url'), sign: (bytes) => sign(null, bytes, key) };
}

/** Forged places, proofs and checkpoints: what whoever knows the log's key must refuse. */
export function forgedPlaces({ receipt, other, issuer }: ReceiptFacts): readonly Forgery[] {
  const whole = takeApart(receipt);
  const second = takeApart(other);
  const { proof, index, checkpoint } = whole;
  const [text = '', signature = ''] = checkpoint.split('\n\n');
  const [origin = '', size = '', root = ''] = text.split('\n');
  const byIssuer = issuer.sign(Buffer.from(`${text}\n`));
  const line = (id: Buffer): string => `— ${origin} ${Buffer.concat([id, byIssuer]).toString('base64')}\n`;
  const note = (lines: readonly string[], signed = signature): string => `${lines.join('\n')}\n\n${signed}`;
  const forged: Record<string, Parts> = {
    'the entry of another receipt': { ...whole, entry: second.entry },
    'the place of another receipt': { ...whole, index: second.index },
    'the proof of another receipt': { ...whole, proof: second.proof },
    'the next place': { ...whole, index: index + 1 },
    'two hashes of the proof swapped': { ...whole, proof: [proof[1] ?? '', proof[0] ?? '', ...proof.slice(2)] },
    'the last hash of the proof dropped': { ...whole, proof: proof.slice(0, -1) },
    'a hash of the proof doubled': { ...whole, proof: [...proof, proof.at(-1) ?? ''] },
    'a larger checkpoint': { ...whole, checkpoint: note([origin, String(Number(size) + 1), root]) },
    'another root': { ...whole, checkpoint: note([origin, size, proof[0] ?? '']) },
    'another log': { ...whole, checkpoint: note([`${origin}x`, size, root]) },
    'a checkpoint nobody signed': { ...whole, checkpoint: `${text}\n\n` },
    'a checkpoint by the issuer, under its own id': {
      ...whole,
      checkpoint: `${text}\n\n${line(noteKeyId(origin, issuer))}`,
    },
    'a checkpoint by the issuer, under the id of the log': {
      ...whole,
      checkpoint: `${text}\n\n${line(Buffer.from(signature.split(' ')[2] ?? '', 'base64').subarray(0, 4))}`,
    },
  };
  return Object.entries(forged).map(([name, parts]) => ({ name, text: putTogether(parts) }));
}

/** Forged signatures in a receipt: nothing in the log's own part is wrong before its leaf is computed. */
export function forgedSigners({ receipt, issuer, log, root }: ReceiptFacts): readonly Forgery[] {
  const whole = takeApart(receipt);
  const forged: Record<string, Parts> = {
    'entry and delegation swapped': { ...whole, entry: whole.delegation, delegation: whole.entry },
    'an entry by the issuer': { ...whole, entry: resigned(whole.entry, issuer) },
    'an entry by the log key': { ...whole, entry: resigned(whole.entry, log) },
    'a delegation by the log key': { ...whole, delegation: resigned(whole.delegation, log) },
    'a delegation by the root key': { ...whole, delegation: resigned(whole.delegation, root) },
    'a delegation that the session signs for itself': { ...whole, delegation: withSignature(whole) },
    'something beside the two envelopes': { ...whole, more: { document: {} } },
  };
  return Object.entries(forged).map(([name, parts]) => ({ name, text: putTogether(parts) }));
}

export interface ReceiptFacts {
  readonly receipt: string;
  /** Another receipt of the same log. */
  readonly other: string;
  readonly issuer: RoleKey;
  readonly log: RoleKey;
  readonly root: RoleKey;
}

/** A file of a log of more than 256 entries, and what is done to it. */
export interface ForgedFile {
  readonly path: string;
  change(bytes: Buffer): Buffer;
}

export const forgedFiles: Readonly<Record<string, ForgedFile>> = {
  'a bit in an entry': { path: 'tile/entries/000', change: flipInside },
  'two entries swapped': {
    path: 'tile/entries/000',
    change: (bundle) => joined(swapped(entries(bundle))),
  },
  'an entry twice, its neighbour gone': {
    path: 'tile/entries/000',
    change: (bundle) => joined(entries(bundle).map((entry, index, all) => (index === 7 ? (all[6] ?? entry) : entry))),
  },
  'the last entry cut off': { path: 'tile/entries/000', change: (bundle) => joined(entries(bundle).slice(0, -1)) },
  'a bit in a hash': { path: 'tile/0/000', change: flipInside },
  'a bit in a hash of the level above': { path: 'tile/1/000.p/1', change: flipInside },
  'a bit in the checkpoint': { path: 'checkpoint', change: flipInside },
};

/** The envelope, its payload signed anew by another key. */
export function resigned(envelope: string, key: RoleKey): string {
  const { payload, payloadType } = JSON.parse(envelope) as Envelope;
  const bytes = Buffer.from(payload, 'base64');
  const pae = Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${bytes.length} `),
    new Uint8Array(bytes),
  ]);
  const signatures = [{ keyid: key.key_id, sig: key.sign(pae).toString('base64') }];
  return JSON.stringify({ payload, payloadType, signatures });
}

interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

/** In the middle, where no length stands. */
function flipInside(bytes: Buffer): Buffer {
  const flipped = Buffer.from(bytes);
  const middle = Math.floor(bytes.length / 2);
  flipped[middle] = (bytes[middle] ?? 0) ^ 1;
  return flipped;
}

/** With their lengths in front. */
function entries(bundle: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at)) {
    found.push(bundle.subarray(at, at + 2 + bundle.readUInt16BE(at)));
  }
  return found;
}

function swapped([first, second, ...rest]: readonly Buffer[]): readonly Buffer[] {
  return first === undefined || second === undefined ? [] : [second, first, ...rest];
}

function joined(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.map((part) => new Uint8Array(part)));
}

interface Parts {
  readonly entry: string;
  readonly delegation: string;
  readonly index: number;
  readonly proof: readonly string[];
  readonly checkpoint: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

function takeApart(receipt: string): Parts {
  const [head = '', ...rest] = receipt.split('\n\n');
  const [, extra = '', index = '', ...proof] = head.split('\n');
  const envelopes = JSON.parse(text(extra.replace('extra ', ''))) as { entry: string; delegation: string };
  return {
    entry: text(envelopes.entry),
    delegation: text(envelopes.delegation),
    index: Number(index.replace('index ', '')),
    proof,
    checkpoint: rest.join('\n\n'),
  };
}

function putTogether({ entry, delegation, index, proof, checkpoint, more = {} }: Parts): string {
  const extra = JSON.stringify({ delegation: base64(delegation), ...more, entry: base64(entry) });
  return ['c2sp.org/tlog-proof@v1', `extra ${base64(extra)}`, `index ${index}`, ...proof, '', checkpoint].join('\n');
}

function withSignature({ entry, delegation }: Parts): string {
  const { signatures } = JSON.parse(entry) as Envelope;
  const { payload, payloadType } = JSON.parse(delegation) as Envelope;
  return JSON.stringify({ payload, payloadType, signatures });
}

function noteKeyId(name: string, { public_key }: RoleKey): Buffer {
  const typed = Buffer.concat([Buffer.from(`${name}\n`), new Uint8Array([1]), new Uint8Array(public_key)]);
  return createHash('sha256').update(new Uint8Array(typed)).digest().subarray(0, 4);
}

function base64(value: string): string {
  return Buffer.from(value).toString('base64');
}

function text(value: string): string {
  return Buffer.from(value, 'base64').toString();
}
