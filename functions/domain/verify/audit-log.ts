import type { VerifyCompute } from '../ports/compute.ts';
import type { LogFile } from '../ports/ledger-compute.ts';
import { tilePlace } from '../ledger/tile-place.ts';
import { judgeByPins, treeHead } from './judge-checkpoint.ts';
import { logKeysOf, type Pin, type SeenCheckpoint } from './pin.ts';
import { quorumDetail } from './verify-log-proof.ts';

/** Reads a file of a log by its path below the prefix; undefined when there is none. */
export type ReadLogFile = (path: string) => Promise<Uint8Array | undefined>;

export interface AuditCheck {
  readonly name: 'checkpoint' | 'quorum' | 'history' | 'tiles' | 'root' | 'entries';
  readonly ok: boolean;
  readonly code: string;
  readonly detail: string;
}

export interface Audit {
  /** 0 sound, 3 no pinned node has this log, 10 malformed, 11 signature, 12 log, 13 quorum. */
  readonly exit: 0 | 3 | 10 | 11 | 12 | 13;
  readonly checks: readonly AuditCheck[];
  readonly head?: { readonly node_id: string; readonly size: number; readonly root: string };
}

/**
 * Builds a whole log again from its entries: its checkpoint is signed as a pin asks, it continues the newest one that was seen,
 * every tile and the root are what the entries give, and each entry is an envelope that stands in the log once. Whose
 * signatures the entries carry is not judged here: their delegations are not in the log, `signet verify` judges them one by one.
 */
export async function auditLog({
  read,
  pins,
  verify,
}: {
  read: ReadLogFile;
  pins: readonly Pin[];
  verify: VerifyCompute;
}): Promise<Audit> {
  const checks: AuditCheck[] = [];
  const pass = (name: AuditCheck['name'], detail: string): void => {
    checks.push({ name, ok: true, code: 'ok', detail });
  };
  const fail = (name: AuditCheck['name'], exit: Audit['exit'], code: string, detail: string): Audit => {
    checks.push({ name, ok: false, code, detail });
    return { exit, checks };
  };

  const opened = await openHead({ read, pins, verify });
  if (!opened.ok) return fail('checkpoint', opened.exit, opened.code, opened.detail);
  const { pin, size, root, latest } = opened;
  pass('checkpoint', `${latest.size} entries, signed by ${opened.origin}`);
  const covered = size === latest.size ? '' : `, of the first ${size} entries`;
  pass('quorum', `${quorumDetail(opened)}${covered}`);

  const broken = await faultOfHistory({ read, verify, pin, ...latest, cosigned: { size, root } });
  if (broken !== undefined) return fail('history', 12, broken.code, broken.detail);
  pass(
    'history',
    pin.newest === undefined
      ? 'the first checkpoint that is seen here'
      : `continues that of ${pin.newest.size} entries`,
  );

  const rebuilt = await rebuild({ read, verify, size });
  if (!rebuilt.ok) return fail('tiles', 12, rebuilt.code, rebuilt.detail);
  pass('tiles', `${rebuilt.files} tiles and full bundles are what the entries give`);
  if (rebuilt.root !== root)
    return fail('root', 12, 'log.inclusion', 'the entries have another root than the checkpoint');
  pass('root', root);
  if (rebuilt.repeated !== undefined) {
    return fail(
      'entries',
      12,
      'log.malformed',
      `entry ${rebuilt.repeated} is no envelope, or stands in the log before`,
    );
  }
  pass('entries', `${size} envelopes, each once`);
  return { exit: 0, checks, head: { node_id: pin.node_id, ...latest } };
}

type Opened =
  | ({
      readonly ok: true;
      readonly pin: Pin;
      readonly origin: string;
      readonly witnesses: readonly string[];
      readonly has_quorum: boolean;
      /** The published checkpoint: the same, or a larger one that only the log has signed yet. */
      readonly latest: SeenCheckpoint;
    } & SeenCheckpoint)
  | { readonly ok: false; readonly exit: 3 | 10 | 11 | 13; readonly code: string; readonly detail: string };

/**
 * The published checkpoint, judged by the pins. While witnesses are behind it, the newest that they cosigned is judged in
 * its place: a log that grows all the time would otherwise never be audited by whoever asks for a quorum.
 */
export async function openHead(request: {
  read: ReadLogFile;
  pins: readonly Pin[];
  verify: VerifyCompute;
}): Promise<Opened> {
  const bytes = await request.read('checkpoint');
  if (bytes === undefined) return { ok: false, exit: 10, code: 'log.malformed', detail: 'there is no checkpoint' };
  const note = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const head = await judgeHead({ note, ...request });
  if (head.ok || head.code !== 'log.quorum') return head;
  const cosigned = await request.read('cosigned');
  const witnessed =
    cosigned === undefined ? head : await judgeHead({ note: new TextDecoder().decode(cosigned), ...request });
  if (!witnessed.ok) return head;
  const signed = await request.verify.ledger.openCheckpoint({ note, vkeys: logKeysOf(witnessed.pin) });
  if (!signed.ok || signed.origin !== witnessed.origin || signed.size < witnessed.size) return head;
  return { ...witnessed, latest: { size: signed.size, root: hex(signed.root) } };
}

/** A checkpoint, judged by the pins. */
export async function judgeHead({
  note,
  pins,
  verify: { ledger },
}: {
  note: string;
  pins: readonly Pin[];
  verify: VerifyCompute;
}): Promise<Opened> {
  const head = await treeHead(ledger, note);
  if (!head.ok) return { ok: false, exit: 10, code: head.code, detail: 'expected a checkpoint' };
  const judged = await judgeByPins(ledger, note, pins);
  if (judged === undefined) {
    return { ok: false, exit: 3, code: 'trust.unpinned', detail: `no pinned node has the log \`${head.origin}\`` };
  }
  if (!judged.ok) {
    const exit = judged.code === 'log.quorum' ? 13 : judged.code === 'log.malformed' ? 10 : 11;
    return {
      ok: false,
      exit,
      code: judged.code,
      detail: `the checkpoint of \`${head.origin}\` is not signed as it must be`,
    };
  }
  const { pin, witnesses, has_quorum } = judged;
  const latest = { size: head.size, root: hex(head.root) };
  return { ok: true, pin, origin: head.origin, witnesses, has_quorum, ...latest, latest };
}

/** Why a checkpoint does not continue the newest one that was seen; undefined when it does. */
export async function faultOfHistory({
  read,
  verify,
  pin: { newest },
  size,
  root,
  cosigned = { size, root },
}: {
  read: ReadLogFile;
  verify: VerifyCompute;
  pin: Pin;
  size: number;
  root: string;
  /** A smaller one that witnesses vouch for: it must be the beginning. */
  cosigned?: SeenCheckpoint;
}): Promise<{ readonly code: string; readonly detail: string } | undefined> {
  if (cosigned.size < size && !(await continues({ read, verify, old: cosigned, size, root }))) {
    return { code: 'log.rollback', detail: `it does not continue the ${cosigned.size} entries that were cosigned` };
  }
  if (newest === undefined) return undefined;
  if (newest.size > size) {
    return { code: 'log.rollback', detail: `${newest.size} entries were seen before, now there are ${size}` };
  }
  const isConsistent = await continues({ read, verify, old: newest, size, root });
  return isConsistent
    ? undefined
    : { code: 'log.rollback', detail: `it does not continue the ${newest.size} entries seen before` };
}

/** Whether the tiles prove that the tree of `size` begins with the `old` one. */
export async function continues({
  read,
  verify: { ledger },
  old,
  size,
  root,
}: {
  read: ReadLogFile;
  verify: VerifyCompute;
  old: { readonly size: number; readonly root: string };
  size: number;
  root: string;
}): Promise<boolean> {
  const claim = { kind: 'consistency', old: old.size, size } as const;
  const plan = await ledger.plan(claim);
  if (!plan.ok) return false;
  const tiles = await Promise.all(plan.paths.map(read));
  if (!tiles.every((tile) => tile !== undefined)) return false;
  const proved = await ledger.prove({ claim, tiles: Buffer.concat(tiles) });
  if (!proved.ok) return false;
  const roots = { old_root: Buffer.from(old.root, 'hex'), root: Buffer.from(root, 'hex') };
  return (await ledger.verifyConsistency({ old: old.size, size, ...roots, proof: proved.proof })).ok;
}

type Rebuilt =
  | { readonly ok: true; readonly root: string; readonly files: number; readonly repeated: number | undefined }
  | { readonly ok: false; readonly code: string; readonly detail: string };

const bundle_entries = 256;
/** SHA-256 of nothing. */
const emptyRoot = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** From bundle to bundle, so that no more than one is held. */
async function rebuild(request: { read: ReadLogFile; verify: VerifyCompute; size: number }): Promise<Rebuilt> {
  const { read, verify, size } = request;
  const edge = new Map<string, Uint8Array>();
  const ids = new Set<string>();
  let repeated: number | undefined;
  let files = 0;
  let root = emptyRoot;
  for (let from = 0; from < size; from += bundle_entries) {
    const path = bundlePath(from, size);
    const entries = await read(path);
    if (entries === undefined) return { ok: false, code: 'log.malformed', detail: `\`${path}\` is missing` };
    const tiles = Buffer.concat((await verify.ledger.edge(from)).map((tile) => edge.get(tile) ?? new Uint8Array()));
    const grown = await verify.ledger.grow({ size: from, tiles, bundle: new Uint8Array(), entries });
    if (!grown.ok) return { ok: false, code: grown.code, detail: `\`${path}\` is no bundle` };
    if (grown.size !== Math.min(size, from + bundle_entries)) {
      return { ok: false, code: 'log.malformed', detail: `\`${path}\` has another number of entries than it should` };
    }
    root = hex(grown.root);
    for (const { path, bytes } of grown.files.filter(isPartial)) edge.set(path, bytes);
    const full = grown.files.filter((file) => !isPartial(file));
    const fault = await faultOfFiles(full, read);
    if (fault !== undefined) return { ok: false, code: 'log.inclusion', detail: fault };
    files += full.length;
    for (const [offset, envelope] of (await verify.readEnvelopes(entriesOf(entries))).entries()) {
      const isNew = envelope.ok && !ids.has(envelope.id);
      if (!isNew) repeated ??= from + offset;
      if (envelope.ok) ids.add(envelope.id);
    }
  }
  // Partial tiles count at the last size alone; until then they are the edge of the next step.
  const last = (await verify.ledger.edge(size)).map((path) => ({ path, bytes: edge.get(path) ?? new Uint8Array() }));
  const fault = await faultOfFiles(last, read);
  if (fault !== undefined) return { ok: false, code: 'log.inclusion', detail: fault };
  return { ok: true, root, files: files + last.length, repeated };
}

async function faultOfFiles(files: readonly LogFile[], read: ReadLogFile): Promise<string | undefined> {
  for (const { path, bytes } of files) {
    const published = await read(path);
    if (published === undefined || Buffer.compare(published, bytes) !== 0) {
      return `\`${path}\` is not what the entries give`;
    }
  }
  return undefined;
}

function isPartial({ path }: LogFile): boolean {
  return path.includes('.p/');
}

/** The bundle of the entries from `from` on, in a tree of `size`. */
function bundlePath(from: number, size: number): string {
  const width = Math.min(bundle_entries, size - from);
  return `tile/entries/${tilePlace(from / bundle_entries)}${width === bundle_entries ? '' : `.p/${width}`}`;
}

function entriesOf(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const length = Buffer.from(bundle.buffer, bundle.byteOffset).readUInt16BE(at);
    entries.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return entries;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
