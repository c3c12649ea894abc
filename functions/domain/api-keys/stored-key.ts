import type { Operation } from '../ports/table.ts';
import { scopes as everyScope } from '../scopes.ts';
import type { Scope } from '../scopes.ts';
import { apiKeyListRow, apiKeyRow } from './keys.ts';

/**
 * What is stored. The end is `valid_until`, not `expires_at`: to the table that name means a row which may be lost with
 * the power and is swept, and a key is neither.
 */
export interface StoredKey {
  readonly id: string;
  readonly label: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  readonly created: number;
  readonly unlimited_rate: boolean;
  /** Lower-case hex. */
  readonly secret_sha256: string;
  /** Unix seconds. */
  readonly valid_until?: number;
  /** The key that replaced this one. */
  readonly successor?: string;
}

/** What makes a key: its row and its place in the tenant's list. */
export function creation(row: StoredKey): readonly Operation[] {
  return [
    { kind: 'put', key: apiKeyRow(row.id), item: { ...row }, conditions: [{ kind: 'absent' }] },
    { kind: 'put', key: apiKeyListRow(row.tenant, row.id), item: { ...row } },
  ];
}

/** What the owner may: everything, but who is not alone does not also decide approvals. */
export function ownerScopes({ single_user }: { single_user: boolean }): readonly Scope[] {
  return single_user ? everyScope : everyScope.filter((scope) => scope !== 'approvals:decide');
}
