import records from '@signet/shared/records/scopes.json' with { type: 'json' };

/** What an API key may be used for. The table, with its routes and Cedar actions, is `shared/records/scopes.json`. */
export type Scope =
  | 'chat'
  | 'embed'
  | 'models:read'
  | 'vectors:read'
  | 'vectors:write'
  | 'runs:read'
  | 'runs:write'
  | 'tools:read'
  | 'tools:write'
  | 'tools:call'
  | 'web'
  | 'bus:read'
  | 'bus:publish'
  | 'bus:admin'
  | 'identity:sign'
  | 'identity:write'
  | 'gates'
  | 'ledger:read'
  | 'node:read'
  | 'metrics:read'
  | 'events'
  | 'keys:admin'
  | 'budgets:admin'
  | 'approvals:decide'
  | 'fed:read'
  | 'fed:write';

export const scopes: readonly Scope[] = records.scopes.map((record) => record.scope as Scope);
