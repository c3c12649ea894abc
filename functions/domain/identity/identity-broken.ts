/** What is stored cannot be this node's identity: the start must stop. Says what was expected, what came, what to do. */
export class IdentityBrokenError extends Error {
  override readonly name = 'IdentityBrokenError';
}
