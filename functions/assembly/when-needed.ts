/** An object whose members are all asynchronous functions, as most ports are. */
type Asynchronous<T> = { readonly [M in keyof T]: (...args: never[]) => Promise<unknown> };

/**
 * An adapter that is loaded when the first of its `methods` is called: what a request does not use, it does not wait
 * for. One load serves all; after one that failed the next call tries again.
 */
export function whenNeeded<T extends Asynchronous<T>>(
  methods: readonly (keyof T & string)[],
  load: () => Promise<T>,
): T {
  let loaded: Promise<T> | undefined;
  const adapter = (): Promise<T> =>
    (loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    }));
  const late = methods.map((method) => [
    method,
    async (...args: never[]): Promise<unknown> => (await adapter())[method](...args),
  ]);
  return Object.fromEntries(late) as T;
}
