import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { NewId, Now, Principal } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { Item, Table } from '../ports/table.ts';
import { idempotencyRow } from './keys.ts';

/** What a repeated request gets: the first answer, byte for byte. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

export type Begun =
  /** Ours to do. Exactly one of `finish` and `abandon` is called, once. */
  | {
      readonly kind: 'fresh';
      /** `undefined`: done, but not repeatable (too long, or it shows a secret once); a repeat is then 409 `replay`. */
      finish(answer: StoredAnswer | undefined, receipt: string | undefined): Promise<void>;
      /** It failed in a way that may pass: the next request with this key tries again. */
      abandon(): Promise<void>;
    }
  | { readonly kind: 'stored'; readonly answer: StoredAnswer };

export interface Idempotency {
  /**
   * @param request.digest SHA-256 of method, path and body: what makes two requests the same
   * @throws {SignetError} 409 `idempotency_in_progress`, 422 `idempotency_mismatch`, 409 `replay`
   */
  begin(request: { principal: Pick<Principal, 'tenant' | 'id'>; key: string; digest: string }): Promise<Begun>;
}

/**
 * One row for each principal and key. It is first `running` under a short life, so that a crash frees the key by itself,
 * and becomes `done` for 24 h. Only the process whose `token` the row carries may change it: a request that outlived its
 * row and was started again elsewhere overwrites nothing.
 */
export function makeIdempotency({ table, now, newId }: { table: Table; now: Now; newId: NewId }): Idempotency {
  return {
    async begin({ principal, key, digest }) {
      const row = idempotencyRow(principal, key);
      const token = newId();
      const started = await table.write(
        {
          kind: 'put',
          key: row,
          item: { state: 'running', digest, token, expires_at: seconds() + running_s },
          conditions: [{ kind: 'absent' }],
        },
        now(),
      );
      if (started.kind === 'refused') return repeated(started.current, digest);

      const ours = [{ kind: 'equals', field: 'token', value: token }] as const;
      return {
        kind: 'fresh',
        async finish(answer, receipt) {
          const stored = answer !== undefined && isStorable(answer) ? answer : undefined;
          const item: Item = {
            state: 'done',
            digest,
            token,
            expires_at: seconds() + limits.idempotency_ttl_s,
            ...(stored === undefined ? {} : { status: stored.status, headers: stored.headers, body: stored.body }),
            ...(receipt === undefined ? {} : { receipt }),
          };
          await table.write({ kind: 'put', key: row, item, conditions: ours }, now());
        },
        async abandon() {
          await table.write({ kind: 'delete', key: row, conditions: ours }, now());
        },
      };
    },
  };

  function seconds(): number {
    return Math.floor(now() / 1000);
  }
}

/** Longer than the longest request (`provider.total_ms`), so that a row never frees itself under one that still runs. */
const running_s = limits.provider.total_ms / 1000 + 30;

function repeated(current: Item | undefined, digest: string): Begun {
  if (current?.digest !== undefined && current.digest !== digest) {
    throw new SignetError({
      code: 'idempotency_mismatch',
      detail: 'this `idempotency-key` was used with another request',
      param: 'idempotency-key',
    });
  }
  if (current?.state !== 'done') {
    throw new SignetError({
      code: 'idempotency_in_progress',
      detail: 'the first request with this `idempotency-key` is still running',
      retry_after_s: 1,
    });
  }
  if (typeof current.status !== 'number' || typeof current.body !== 'string') {
    const error = new SignetError({
      code: 'replay',
      reason: 'replay.seen',
      detail: 'this request was done, and its answer cannot be shown again',
    });
    if (typeof current.receipt === 'string') error.receipt = current.receipt;
    throw error;
  }
  return {
    kind: 'stored',
    answer: {
      status: current.status,
      headers: current.headers as { readonly [name: string]: string },
      body: current.body,
    },
  };
}

/** Two limits: what a client may expect to be repeated, and what fits into a row once quotes are escaped in it. */
function isStorable(answer: StoredAnswer): boolean {
  return (
    Buffer.byteLength(answer.body) <= limits.idempotency_stored_bytes_max &&
    Buffer.byteLength(JSON.stringify(answer.body)) <= limits.table.item_bytes_max - rest_bytes
  );
}

/** Room for the row's other fields and the answer's headers. */
const rest_bytes = 8_192;
