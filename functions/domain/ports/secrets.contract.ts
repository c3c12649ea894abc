import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Secrets } from './secrets.ts';

export interface SecretsStand {
  readonly secrets: Secrets;
  /** A secret that is there. */
  readonly known: { readonly name: string; readonly value: string };
  close(): Promise<void>;
}

/** The suite of the Secrets port. */
export function describeSecrets(name: string, open: () => Promise<SecretsStand>): void {
  describe(`Secrets: ${name}`, () => {
    let stand: SecretsStand;
    beforeAll(async () => {
      stand = await open();
    });
    afterAll(() => stand.close());

    test('gives the value of a name', async () => {
      expect(await stand.secrets.get(stand.known.name)).toBe(stand.known.value);
      expect(await stand.secrets.get(stand.known.name)).toBe(stand.known.value);
    });

    test.each(['NOT_THERE', '', '__proto__', 'constructor', 'toString', 'a b', '../x', 'A\0', 'é', 'A'.repeat(4000)])(
      'has none by the name %j, and says so without an error',
      async (unknown) => {
        expect(await stand.secrets.get(unknown)).toBeUndefined();
      },
    );

    test('shows no value to whoever prints it', () => {
      const { secrets, known } = stand;
      expect(JSON.stringify(secrets)).not.toContain(known.value);
      expect(inspect(secrets)).not.toContain(known.value);
      expect(Object.values(secrets).join()).not.toContain(known.value);
    });
  });
}
