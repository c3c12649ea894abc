import type { Now } from '../call.ts';

/** Wakes whoever seals. A wake-up that is lost harms nothing: the sweep finds what waits. */
export interface SealerWakes {
  /** Something was appended. */
  wake(): void;
  /** Resolves when every wake-up that was asked for has been sent, or has failed. */
  settled(): Promise<void>;
}

/**
 * A message to the sealer's queue. Of those with the same `once` the queue keeps the first for five minutes, and delivers
 * what it keeps a second later; it hands out one of a `group` at a time.
 */
export type SendWake = (message: { readonly group: string; readonly once: string }) => Promise<void>;

/**
 * At most one wake-up a second from all processes together: those of one second carry the same name, and the queue drops
 * all but the first. That one is delivered a second after it was sent, when the second is over: so it wakes for every
 * entry whose own wake-up was dropped. (Clocks that differ by some milliseconds can lose one, as can a process that dies.)
 */
export function makeSealerWakes({
  send,
  now,
  onError,
}: {
  send: SendWake;
  now: Now;
  onError: (error: unknown) => void;
}): SealerWakes {
  let told: number | undefined;
  const sending = new Set<Promise<void>>();
  return {
    wake() {
      const second = Math.floor(now() / 1000);
      if (second === told) return;
      told = second;
      const work = send({ group: 'appended', once: `appended-${second}` })
        .catch((error: unknown) => {
          // The next entry tries again.
          if (told === second) told = undefined;
          onError(error);
        })
        .finally(() => sending.delete(work));
      sending.add(work);
    },
    async settled() {
      await Promise.all(sending);
    },
  };
}
