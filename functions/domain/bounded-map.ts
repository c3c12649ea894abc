/**
 * A map of at most `entries_max` entries for what is remembered to save work: a new entry takes the place of the one that
 * was set first. Where use should count and not age, delete an entry before it is set again.
 */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #entries_max: number;

  constructor(entries_max: number) {
    super();
    this.#entries_max = entries_max;
  }

  override set(key: K, value: V): this {
    if (!this.has(key) && this.size >= this.#entries_max) {
      const oldest = this.keys().next();
      if (!oldest.done) this.delete(oldest.value);
    }
    return super.set(key, value);
  }
}
