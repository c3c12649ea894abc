import type { LogHead } from '../ledger/log.ts';
import type { ToldEntry, ToldLog } from './told-log.ts';

/** What happened to the log, in its order. */
export type FeedItem =
  | { readonly kind: 'entry'; readonly entry: ToldEntry }
  /** All entries up to this head were told. */
  | { readonly kind: 'sealed'; readonly head: LogHead };

/** One reader of the log for all who follow it in this process: a thousand listeners cost one look at the head. */
export interface EventFeed {
  /** Index of the entry that will be told next; a listener may rely on it between two awaits. */
  readonly position: number;
  /** Tells what is sealed from now on, in order, until the returned function is called. */
  listen(listener: (item: FeedItem) => void): Promise<() => void>;
}

/** Looks at the head of the log while somebody listens. A look that fails is reported and repeated. */
export function makeEventFeed({
  log,
  onError,
  look_every_ms = 100,
  repeat_ms = 1000,
}: {
  log: Pick<ToldLog, 'head' | 'read'>;
  onError: (error: unknown) => void;
  look_every_ms?: number;
  repeat_ms?: number;
}): EventFeed {
  const listeners = new Set<(item: FeedItem) => void>();
  let position = 0;
  /** The head that was told last. */
  let told_size = 0;
  let begun: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  return {
    get position() {
      return position;
    },
    async listen(listener) {
      listeners.add(listener);
      begun ??= begin();
      try {
        await begun;
      } catch (error) {
        listeners.delete(listener);
        begun = undefined;
        throw error;
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearTimeout(timer);
        begun = undefined;
      };
    },
  };

  async function begin(): Promise<void> {
    const { size } = await log.head();
    position = told_size = size;
    const round = begun;
    timer = setTimeout(() => void look(round), look_every_ms);
  }

  /** @param round which beginning this look belongs to: one that nobody listened to for a while ends */
  async function look(round: typeof begun): Promise<void> {
    let wait_ms = look_every_ms;
    try {
      const head = await log.head();
      const isOver = (): boolean => round !== begun;
      while (position < head.size && !isOver()) {
        const entries = await log.read(position, head.size);
        // Counted and not published yet: it is there at the next look.
        if (entries.length === 0 || isOver()) break;
        for (const entry of entries) {
          position = entry.seq + 1;
          tell({ kind: 'entry', entry });
        }
      }
      if (position === head.size && head.size > told_size && round === begun) {
        told_size = head.size;
        tell({ kind: 'sealed', head });
      }
    } catch (error) {
      onError(error);
      wait_ms = repeat_ms;
    }
    if (round === begun && listeners.size > 0) timer = setTimeout(() => void look(round), wait_ms);
  }

  function tell(item: FeedItem): void {
    for (const listener of listeners) listener(item);
  }
}
