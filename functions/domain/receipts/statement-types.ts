/** in-toto Statement v1: the one payload type of everything that is logged. */
export const statementPayloadType = 'application/vnd.in-toto+json';
export const statementType = 'https://in-toto.io/Statement/v1';

/** Own predicate types are URNs: we own no domain. */
export const decisionType = 'urn:signet:decision:v1';
export const runType = 'urn:signet:run:v1';
export const dryRunType = 'urn:signet:dry-run:v1';
export const gateVerdictType = 'urn:signet:gate-verdict:v1';
export const countsType = 'urn:signet:counts:v1';
export const documentType = 'urn:signet:document:v1';
export const delegationType = 'urn:signet:delegation:v1';
export const revocationType = 'urn:signet:revocation:v1';

/** A message between nodes, and the kind of it that `envelope/create` makes. */
export const messagePayloadType = 'application/vnd.signet.message.v1+json';
export const documentKind = 'document';

/** What a session key may sign; its delegation lists them. Delegations and revocations are the issuer's alone. */
export const sessionKinds: readonly string[] = [
  decisionType,
  runType,
  dryRunType,
  gateVerdictType,
  countsType,
  documentType,
  documentKind,
];

/** What a caller's managed identity may sign. */
export const agentKinds: readonly string[] = ['text', 'payload', documentKind];
