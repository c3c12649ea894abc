/** Integers, booleans, strings and sets of strings: what Cedar sees. No text of a user is ever a fact. */
export type Facts = { readonly [name: string]: number | boolean | string | readonly string[] };

export type Action =
  | 'read'
  | 'chat'
  | 'embed'
  | 'queryVectors'
  | 'writeVectors'
  | 'runScript'
  | 'manageScripts'
  | 'manageTools'
  | 'callTool'
  | 'search'
  | 'fetch'
  | 'sign'
  | 'manageIdentity'
  | 'checkGates'
  | 'administer';

export interface Resource {
  /** Entity type of the Cedar schema: `Model`, `Collection`, `Tool`, `Script`, `ApiKey`, `Web`, `Node`, `Receipt`,
   * `Identity`, `Envelope`. */
  readonly type: string;
  readonly id: string;
}

export interface PolicyQuestion {
  readonly principal: { readonly kind: 'key' | 'run'; readonly id: string; readonly tenant: string };
  readonly action: Action;
  readonly resource: Resource;
  readonly facts: Facts;
}

export interface PolicyAnswer {
  readonly effect: 'allow' | 'deny';
  /** Ids of the policies that decided. Empty on the default deny. */
  readonly policies: readonly string[];
  /** Not empty: an evaluation failed, and the effect is `deny` whatever the rest said. */
  readonly errors: readonly string[];
}

/** Default deny; forbid wins; any evaluation error denies. */
export interface PolicyEngine {
  /** SHA-256 of policies and schema, lower-case hex. */
  readonly policy_version: string;
  decide(question: PolicyQuestion): PolicyAnswer;
}
