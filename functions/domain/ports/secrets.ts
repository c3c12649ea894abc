/** Values that are used and never shown: not in a log, an error, an answer. */
export interface Secrets {
  /**
   * Undefined when there is none by this name. Cached by the adapter for at most five minutes.
   * @throws {SecretsUnavailableError} when the store does not answer
   */
  get(name: string): Promise<string | undefined>;
}

/** The store of the secrets did not answer, or refused. Says neither which secret nor why; that is in the cause. */
export class SecretsUnavailableError extends Error {
  override readonly name = 'SecretsUnavailableError';
  readonly retryable: boolean;

  constructor({ retryable }: { retryable: boolean }, options?: { cause?: unknown }) {
    super('the secret store did not answer', options);
    this.retryable = retryable;
  }
}
