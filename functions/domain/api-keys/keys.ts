import type { Key } from '../ports/table.ts';

/** The row that authentication reads: found before the tenant is known, so the tenant is a field of it. */
export function apiKeyRow(id: string): Key {
  return { pk: `api-key#${id}`, sk: '-' };
}

/** The tenant's list, written in the same transaction as the row. */
export function apiKeyListRow(tenant: string, id: string): Key {
  return { pk: apiKeyList(tenant), sk: id };
}

export function apiKeyList(tenant: string): string {
  return `t#${tenant}#api-keys`;
}
