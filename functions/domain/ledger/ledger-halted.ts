/** Storage contradicts what was committed: to go on could show two histories, so nothing is written until a person looks. */
export class LedgerHaltedError extends Error {
  override readonly name = 'LedgerHaltedError';
}
