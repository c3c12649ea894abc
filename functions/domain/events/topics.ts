import type { Scope } from '../scopes.ts';

/** What a caller may follow, and the scope that it takes besides `events`: who may read a thing may hear of it. */
export const topicScopes = {
  'inference.completed': 'chat',
  'run.completed': 'runs:read',
  'decision.refused': 'ledger:read',
  'identity.changed': 'ledger:read',
  'policy.changed': 'gates',
  'ledger.sealed': 'ledger:read',
} as const satisfies { readonly [topic: string]: Scope };

export type Topic = keyof typeof topicScopes;

export const topics = Object.keys(topicScopes) as [Topic, ...Topic[]];
