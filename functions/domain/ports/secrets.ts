/** Values that are used and never shown: not in a log, an error, an answer. */
export interface Secrets {
  /** Undefined when there is none by this name. Cached by the adapter for at most five minutes. */
  get(name: string): Promise<string | undefined>;
}
