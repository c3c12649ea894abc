import type { Call, Principal } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { Scope } from '../scopes.ts';

export interface ApiKey {
  readonly id: string;
  readonly label: string;
  readonly tenant: string;
  readonly scopes: readonly Scope[];
  /** Unix seconds. */
  readonly created: number;
  readonly expires_at?: number;
  readonly unlimited_rate: boolean;
}

export interface ApiKeys {
  /** By the bearer text `sg_<id>_<secret>`; constant-time, undefined for anything that is not a live key. */
  authenticate(bearer: string): Promise<(Principal & { readonly unlimited_rate: boolean }) | undefined>;
  /** Scopes and tenant within the maker's. `token` is shown once. */
  create(
    call: Call,
    request: { label: string; scopes: readonly Scope[]; tenant?: string; expires_at?: number },
  ): Promise<Judged<ApiKey & { readonly token: string }>>;
  list(call: Call): Promise<readonly ApiKey[]>;
  revoke(call: Call, id: string): Promise<Judged<null>>;
  /** A new secret under a new id; the old one works 24 h longer. */
  rotate(call: Call, id: string): Promise<Judged<ApiKey & { readonly token: string }>>;
}
