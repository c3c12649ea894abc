/** How far a reader of several topics has come in each of them. */
export class EventCursors {
  readonly #cursors = new Map<string, number>();
  readonly #topics: readonly string[];

  constructor(topics: readonly string[], after: number | undefined) {
    this.#topics = [...new Set(topics)];
    if (after !== undefined) for (const topic of this.#topics) this.#cursors.set(topic, after);
  }

  get topics(): readonly string[] {
    return this.#topics;
  }

  of(topic: string): number | undefined {
    return this.#cursors.get(topic);
  }

  /** Only forward: what comes twice was seen. */
  move(topic: string, cursor: number): void {
    if (cursor > (this.#cursors.get(topic) ?? -Infinity)) this.#cursors.set(topic, cursor);
  }

  /** Everything up to here was told, of all topics; undefined until each of them has a place. */
  get safe(): number | undefined {
    const places = this.#topics.map((topic) => this.#cursors.get(topic));
    return places.every((place) => place !== undefined) ? Math.min(...places) : undefined;
  }
}
