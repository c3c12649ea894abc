import { z } from 'zod';
import { pinnedFile } from './registry.ts';

const pin = z.object({ folder: z.string(), weights: pinnedFile, tokenizer: pinnedFile });

/** Files that the operator of a home trusts, and where they were. */
export type ModelPin = z.infer<typeof pin>;

/** Reads `SIGNET_HOME/models/pins.json`: by model id. Throws where it is not one. */
export function readPins(value: unknown): Readonly<Record<string, ModelPin>> {
  return z.record(z.string(), pin).parse(value);
}
