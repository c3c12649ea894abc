import type { Key } from '../ports/table.ts';

const probes = 'inference#probes';
const measured = 'inference#measured';

/** What a provider's last probe found, whichever instance sent it. */
export function probeKey(provider: string): Key {
  return { pk: probes, sk: provider };
}

/** How long generations of a provider took: sums that all instances add to. */
export function measuredKey(provider: string): Key {
  return { pk: measured, sk: provider };
}

export const probeRange = { pk: probes, limit: 1000 } as const;
export const measuredRange = { pk: measured, limit: 1000 } as const;
