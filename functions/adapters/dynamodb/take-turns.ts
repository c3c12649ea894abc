/**
 * Work that names what it is about: two that share a name run one after the other, in the order in which they came.
 * Names are taken all at once, so no two can wait for each other.
 */
export function takeTurns(): <T>(names: readonly string[], work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<void>>();
  return (names, work) => {
    const before = names.map((name) => last.get(name) ?? Promise.resolve());
    const turn = Promise.all(before).then(work);
    const done = turn.then(nothing, nothing).finally(() => {
      for (const name of names) if (last.get(name) === done) last.delete(name);
    });
    for (const name of names) last.set(name, done);
    return turn;
  };
}

function nothing(): void {}
