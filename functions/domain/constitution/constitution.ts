import type { JsonObject } from '../json.ts';
import template from './template.json' with { type: 'json' };

/**
 * The rules of a node, root-signed: thresholds, gates, chains of gates for each action. `template.json` is what a new
 * node adopts; each chain lists the gates that run for its action today and no other, so that no constitution claims a
 * check that is not made.
 *
 * @param effective Unix seconds from which it holds.
 */
export function firstConstitution(effective: number): JsonObject {
  return { ...(template as JsonObject), version: 1, prev: null, effective };
}

/** `con` is the SHA-256 of the canonical form of this: the signature is not part of what it names. */
export function withoutProof(document: JsonObject): JsonObject {
  const { proof: _proof, ...rest } = document;
  return rest;
}
