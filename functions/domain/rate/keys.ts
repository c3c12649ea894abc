import type { Key } from '../ports/table.ts';

/** What one principal asked for in one window of time; the row expires soon after. */
export function rateKey({ tenant, id }: { tenant: string; id: string }, window: number): Key {
  return { pk: `t#${tenant}#rate#${id}#0`, sk: String(window).padStart(15, '0') };
}
