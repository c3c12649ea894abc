import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ConfiguredWitness } from '../domain/witness/ask-witness.ts';
import { logKind, readVerifierKey, witnessKind } from '../domain/witness/verifier-key.ts';
import { isOwnAddress } from './own-address.ts';

/** Whose logs are witnessed here, and who witnesses ours. */
export interface WitnessSettings {
  /** In the signatures of this witness; absent, one made of the node's id. */
  readonly name?: string;
  /** Verifier keys of the logs that are witnessed here, by origin. */
  readonly logs: ReadonlyMap<string, readonly string[]>;
  readonly witnesses: readonly ConfiguredWitness[];
}

/** Part `witness` of `signet.json`. */
export const witnessJson = z.strictObject({
  /** A URL without its scheme that names this witness, in the signatures it makes; a new name gets a new key. */
  name: z
    .string()
    .regex(/^[^\s+\p{Cc}]{1,256}$/u, 'expected 1 to 256 characters without white space and `+`')
    .optional(),
  /** Verifier keys of the logs that are cosigned here; several of one origin are several keys of one log. */
  logs: z.array(verifierKeyOf(logKind, 'a log')).max(1000).default([]),
});

/** Part `witnesses` of `signet.json`. */
export const witnessesJson = z
  .array(
    z.strictObject({
      /** Submission prefix of C2SP `tlog-witness`: `<url>/add-checkpoint` is asked. */
      url: z
        .url({ protocol: /^https?$/ })
        .refine(hasNothingSecret, 'expected no user, password, query or fragment in it'),
      vkey: verifierKeyOf(witnessKind, 'a witness'),
    }),
  )
  .max(32);

export function witnessSettingsOf(file: {
  readonly witness?: z.infer<typeof witnessJson> | undefined;
  readonly witnesses?: z.infer<typeof witnessesJson> | undefined;
}): WitnessSettings {
  const { name, logs = [] } = file.witness ?? {};
  const byOrigin = Map.groupBy(logs, (vkey) => readVerifierKey(vkey)?.name ?? '');
  return { ...(name === undefined ? {} : { name }), logs: byOrigin, witnesses: file.witnesses ?? [] };
}

/** What is right in the file and wrong in the cloud: a witness behind one of the function's own addresses. */
export function ownAddressesOf({ witnesses }: WitnessSettings): readonly string[] {
  return witnesses.filter(({ url }) => isOwnAddress(url)).map(({ url }) => url);
}

/** Whether the text is a verifier key of this kind whose id is its own. */
export function isVerifierKey(text: string, kind: number): boolean {
  const key = readVerifierKey(text);
  if (key?.kind !== kind) return false;
  const named = Buffer.concat([Buffer.from(`${key.name}\n`), new Uint8Array([kind]), key.public_key]);
  return createHash('sha256').update(named).digest('hex').startsWith(key.id);
}

function verifierKeyOf(kind: number, whose: string) {
  return z
    .string()
    .refine((text) => isVerifierKey(text, kind), `expected the verifier key of ${whose}, \`name+id+base64\``);
}

/** What stands in an address reaches logs and the answers of this node. */
function hasNothingSecret(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return [username, password, search, hash].every((part) => part === '');
}
