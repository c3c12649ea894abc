import { withoutProof } from '../constitution/constitution.ts';
import { constitutionKey } from '../constitution/keys.ts';
import { readRules } from '../constitution/rules.ts';
import type { Now } from '../call.ts';
import { digestJson } from '../content/digest-json.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';
import type { ScorerDescription } from '../ports/gates-compute.ts';
import type { Keys } from '../ports/keys.ts';
import type { Table } from '../ports/table.ts';
import { signedBy } from './first-documents.ts';
import { RootElsewhereError } from './append-document.ts';
import { rfc3339, verificationMethodId } from './node-document.ts';

/** What was offered is not the next constitution of this node; the one that runs goes on. */
export class ConstitutionNotAdoptedError extends Error {
  override readonly name = 'ConstitutionNotAdoptedError';
}

/** A constitution as it runs. */
export interface RunningConstitution {
  readonly constitution: JsonObject;
  /** SHA-256 of its canonical form without its proof. */
  readonly con: string;
}

/** What a constitution may name: it exists here, under this digest. */
export interface KnownObjects {
  readonly scorers: ScorerDescription['scorers'];
  readonly lists: ScorerDescription['lists'];
  readonly policies: readonly { readonly id: string; readonly sha256: string }[];
}

/** A clock may be as far behind that of whoever signed. */
const ahead_s = 30;

/**
 * Takes the next constitution: one version more, `prev` the running one, signed by a current root key, and nothing in it
 * that is not here. One without a proof is signed where the root key is held. Of two at once one wins; whatever is refused
 * throws `ConstitutionNotAdoptedError` and changes nothing.
 */
export async function adoptConstitution(
  { table, keys, verify, digest, now }: AdoptFacts,
  offered: JsonObject,
  {
    running,
    node_id,
    roots,
    known,
  }: {
    readonly running: RunningConstitution;
    readonly node_id: string;
    /** Key ids of the current root keys. */
    readonly roots: readonly string[];
    readonly known: KnownObjects;
  },
): Promise<RunningConstitution> {
  const document = withoutProof(offered);
  assertNext(document, running, now());
  assertKnown(document, known);
  const constitution = 'proof' in offered ? offered : await signed(document);
  await assertSigned(constitution);
  const [digested] = await digestJson(digest, [document]);
  if (digested === undefined) throw new Error('no digest of the constitution came back');
  const version = Number(document['version']);
  const written = await table.transact(
    [
      { kind: 'check', key: constitutionKey(version - 1), conditions: [{ kind: 'exists' }] },
      { kind: 'put', key: constitutionKey(version), item: { constitution }, conditions: [{ kind: 'absent' }] },
    ],
    now(),
  );
  if (written.kind === 'refused') throw new ConstitutionNotAdoptedError(`version ${version} was adopted meanwhile`);
  return { constitution, con: digested.sha256 };

  async function signed(unsigned: JsonObject): Promise<JsonObject> {
    const held = new Set((await keys.list('root')).map(({ key_id }) => key_id));
    const key_id = roots.find((root) => held.has(root));
    if (key_id === undefined) throw new RootElsewhereError('no current root key of this node is here');
    const verification_method = verificationMethodId(node_id, key_id);
    return keys.signDocument({ key_id, verification_method, document: unsigned, created: rfc3339(now()) });
  }

  async function assertSigned(whole: JsonObject): Promise<void> {
    const decoded = await verify.decodeKeyIds(roots);
    const proofs = await verify.verifyDocuments(
      decoded.flatMap((root) => (root.ok ? [signedBy(whole, root.public_key)] : [])),
    );
    if (!proofs.some(({ ok }) => ok)) refuse('expected the proof of a current root key of this node');
  }
}

interface AdoptFacts {
  readonly table: Table;
  readonly keys: Keys;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly now: Now;
}

function assertNext(document: JsonObject, { constitution, con }: RunningConstitution, now_ms: number): void {
  const { version, prev, effective } = document;
  const next = Number(constitution['version']) + 1;
  if (version !== next) refuse(`expected \`version\` ${next}, got ${JSON.stringify(version)}`);
  if (prev !== con) refuse(`expected \`prev\` ${con}, the running constitution, got ${JSON.stringify(prev)}`);
  const [earliest, latest] = [Number(constitution['effective']), Math.floor(now_ms / 1000) + ahead_s];
  const isInTime =
    typeof effective === 'number' && Number.isInteger(effective) && effective >= earliest && effective <= latest;
  if (!isInTime) {
    refuse(
      `expected \`effective\` from ${earliest}, when the running one began, to now, got ${JSON.stringify(effective)}`,
    );
  }
}

/** Scorers, lists and policies by the digests of those that are here, and no gate without its scorer. */
function assertKnown(document: JsonObject, known: KnownObjects): void {
  const rules = readRules(document);
  const missing = (kind: 'scorers' | 'lists' | 'policies'): string | undefined =>
    namedIn(document, kind).find(
      ({ id, sha256 }) => !known[kind].some((here) => here.id === id && here.sha256 === sha256),
    )?.id;
  for (const kind of ['scorers', 'lists', 'policies'] as const) {
    const stranger = missing(kind);
    if (stranger !== undefined) refuse(`\`${kind}\`: this build does not have \`${stranger}\` under that digest`);
  }
  const unpinned = rules.gates.find(({ scorer }) => scorer !== null && !rules.scorers.some(({ id }) => id === scorer));
  if (unpinned !== undefined) refuse(`\`gates\`: the scorer of ${unpinned.id} is not among \`scorers\``);
}

function namedIn(document: JsonObject, kind: string): readonly { readonly id: string; readonly sha256: string }[] {
  const named = document[kind];
  if (!Array.isArray(named) || !named.every(isNamed))
    return refuse(`expected \`${kind}\` to be a list of ids and digests`);
  return named;
}

function isNamed(value: unknown): value is { readonly id: string; readonly sha256: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    'sha256' in value &&
    typeof value.id === 'string' &&
    typeof value.sha256 === 'string'
  );
}

function refuse(detail: string): never {
  throw new ConstitutionNotAdoptedError(detail);
}
