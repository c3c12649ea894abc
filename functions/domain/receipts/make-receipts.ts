import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Now } from '../call.ts';
import type { Content, KeptContent } from '../content/content.ts';
import { nodeTenant } from '../content/keys.ts';
import type { Identity } from '../identity/open-identity.ts';
import type { Log } from '../ledger/log.ts';
import type { Session } from '../identity/sessions.ts';
import type { JsonObject } from '../json.ts';
import { KeyRefusedError, type Keys, type SealedEnvelope } from '../ports/keys.ts';
import type { Table } from '../ports/table.ts';
import {
  indexKey,
  pendingKey,
  pendingMilliseconds,
  pendingPartition,
  pendingPartitions,
  pendingShard,
} from './keys.ts';
import type { Receipt, Receipts, Statement } from './receipts.ts';
import { statementPayloadType, statementType } from './statement-types.ts';

type Cause = Parameters<Receipts['append']>[0];

/**
 * Seals statements with the session key and stores them in the order of their milliseconds, with an index row by id in
 * the same transaction. Nothing here waits for another append: concurrent ones share the table's group commit.
 */
export function makeReceipts({
  table,
  keys,
  identity,
  content,
  log,
  onAppended = () => {},
  shards = 1,
  now,
}: {
  table: Table;
  keys: Keys;
  identity: Pick<Identity, 'node_id' | 'con' | 'session' | 'renewSession' | 'delegation'>;
  content: Content;
  /** Where sealed entries are; absent, none is sealed. */
  log?: Pick<Log, 'entry' | 'proof'>;
  /** Wakes whoever seals. */
  onAppended?: () => void;
  /** Partitions that entries wait in, 1..8: one keeps them in order, many writers need more. */
  shards?: number;
  now: Now;
}): Receipts {
  let stored_ms: Promise<number> | undefined;
  let newest_ms = 0;

  /** One for each entry, after those of all earlier ones, whatever the clock does, also between two starts. */
  async function nextMillisecond(): Promise<number> {
    stored_ms ??= newestStored(table, now).catch((cause: unknown) => {
      stored_ms = undefined;
      throw cause;
    });
    const stored = await stored_ms;
    newest_ms = Math.max(now(), newest_ms + 1, stored + 1);
    return newest_ms;
  }

  async function seal(
    cause: Cause,
    statement: Statement,
    tenant: string,
  ): Promise<{ sealed: SealedEnvelope; del: string; detail: KeptContent | undefined }> {
    const n = cause.nextStatement();
    let session = await identity.session();
    for (let attempt = 1; ; attempt += 1) {
      const whole = statementPayload(statement, headOf(cause, n, session));
      const { payload, detail } = await fitted(whole, { content, tenant });
      try {
        const sealed = await keys.sealEnvelope({
          key_id: session.key_id,
          payload_type: statementPayloadType,
          payload,
        });
        return { sealed, del: session.delegation_id, detail };
      } catch (error) {
        // The adapter that held the session key was swapped for another build: its successor has a key of its own.
        if (!(error instanceof KeyRefusedError) || attempt === 2) throw error;
        session = await identity.renewSession();
      }
    }
  }

  function headOf(cause: Cause, n: number, session: Session): JsonObject {
    return {
      v: 1,
      iss: identity.node_id,
      iat: Math.floor(now() / 1000),
      con: identity.con,
      del: session.delegation_id,
      req: cause.request_id,
      n,
    };
  }

  return {
    async append(cause, statement, kept) {
      const tenant = cause.principal?.tenant ?? nodeTenant;
      const { sealed, del, detail } = await seal(cause, statement, tenant);
      const shard = pendingShard(sealed.id, shards);
      const pending = pendingKey(await nextMillisecond(), sealed.id, shard);
      const entry = new TextDecoder().decode(sealed.entry);
      // Refused: the very same statement (request, counter and all) is stored already, under the same id.
      await Promise.all([
        table.transact(
          [
            {
              kind: 'put',
              key: indexKey(sealed.id),
              item: { at: pending.sk, del, tenant, ...(shard === 0 ? {} : { shard }) },
              conditions: [{ kind: 'absent' }],
            },
            { kind: 'put', key: pending, item: { entry } },
            ...(kept?.rows(now()) ?? []),
            ...(detail?.rows(now()) ?? []),
          ],
          now(),
        ),
        kept?.stored,
        detail?.stored,
      ]);
      onAppended();
      return sealed.id;
    },
    async get(id, tenant) {
      return (await placeOf(id, tenant))?.receipt;
    },
    async proof(id, tenant) {
      const place = log === undefined ? undefined : await placeOf(id, tenant);
      if (log === undefined || place === undefined) return undefined;
      const { receipt, index } = place;
      if (index === undefined) return { kind: 'pending' };
      // Base64 alone: in this order of names it is its own canonical form.
      const extra = Buffer.from(JSON.stringify({ delegation: receipt.delegation, entry: receipt.entry }));
      const text = await log.proof({ index, extra });
      return text === undefined ? { kind: 'pending' } : { kind: 'sealed', text };
    },
  };

  /** For its tenant, and for everybody who may read what the node itself left. */
  async function placeOf(
    id: string,
    tenant: string,
  ): Promise<{ readonly receipt: Receipt; readonly index?: number } | undefined> {
    if (!/^[0-9a-f]{64}$/.test(id)) return undefined;
    // Twice, since an entry may be sealed between the two reads of the first attempt: then it is where it stays.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const row = await table.get(indexKey(id), now());
      if (row?.['tenant'] !== tenant && row?.['tenant'] !== nodeTenant) return undefined;
      const { at, shard, index, del } = row;
      const [entry, delegation] = await Promise.all([
        typeof index === 'number' ? log?.entry(index) : pendingEntry(at, shard),
        typeof del === 'string' ? identity.delegation(del) : undefined,
      ]);
      if (entry === undefined || delegation === undefined) continue;
      const receipt = {
        entry: Buffer.from(entry).toString('base64'),
        delegation: base64(delegation.envelope),
        document: delegation.document,
      };
      return typeof index === 'number' ? { receipt, index } : { receipt };
    }
    return undefined;
  }

  async function pendingEntry(at: unknown, shard: unknown): Promise<Uint8Array | undefined> {
    if (typeof at !== 'string') return undefined;
    const pk = pendingPartitions[typeof shard === 'number' ? shard : 0] ?? pendingPartition;
    const row = await table.get({ pk, sk: at }, now());
    const entry = row?.['entry'];
    return typeof entry === 'string' ? Buffer.from(entry) : undefined;
  }
}

/** -1 when there is no entry yet. */
async function newestStored(table: Table, now: Now): Promise<number> {
  const { rows } = await table.query({ pk: pendingPartition, limit: 1, reverse: true }, now());
  const sk = rows[0]?.sk;
  return sk === undefined ? -1 : pendingMilliseconds(sk);
}

function statementPayload(statement: Statement, head: JsonObject): JsonObject {
  return {
    _type: statementType,
    subject: statement.subject.map(({ name, digest }) => ({ name, digest: { ...digest } })),
    predicateType: statement.predicate_type,
    // The head last: no field of a caller can stand in for it.
    predicate: { ...statement.predicate, ...head },
  };
}

/** What a reader needs at first sight stays in the statement; of the rest the largest field moves first. */
const neverMoved = ['v', 'iss', 'iat', 'con', 'del', 'req', 'n', 'principal', 'action', 'effect', 'code'];

/**
 * The payload within `limits.envelope.payload_bytes_max`, so that its PAE fits any signer. Fields that are too large
 * move together into one content record, named by the subject `detail` and listed in `moved`.
 */
async function fitted(
  payload: JsonObject,
  { content, tenant }: { content: Content; tenant: string },
): Promise<{ payload: JsonObject; detail: KeptContent | undefined }> {
  const excess = bytesOf(payload) - limits.envelope.payload_bytes_max;
  if (excess <= 0) return { payload, detail: undefined };

  const predicate = payload['predicate'] as JsonObject;
  const bySize = Object.entries(predicate)
    .filter(([name]) => !neverMoved.includes(name))
    .map(([name, value]) => ({ name, value, bytes: bytesOf(value) }))
    .sort((a, b) => b.bytes - a.bytes);
  const moved: typeof bySize = [];
  let saved = 0;
  for (const field of bySize) {
    if (saved >= excess + subject_bytes) break;
    moved.push(field);
    // The field's quotes, colon and comma go; its name comes back in `moved` with quotes and comma.
    saved += field.bytes - 2;
  }
  const record = Object.fromEntries(moved.map(({ name, value }) => [name, value]));
  const kept = await content.keep(tenant, [{ name: 'detail', content: record }]);
  const rest = Object.entries(predicate).filter(([name]) => !(name in record));
  const subject = [
    ...(payload['subject'] as readonly JsonObject[]),
    ...kept.subject.map((subject) => ({ ...subject })),
  ];
  const moves = { ...Object.fromEntries(rest), moved: moved.map(({ name }) => name) };
  return { payload: { ...payload, subject, predicate: moves }, detail: kept };
}

/** Upper bound of one more subject entry and the field `moved`. */
const subject_bytes = 256;

/** Of the canonical form: JCS reorders what `JSON.stringify` writes and changes no token of it. */
function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
