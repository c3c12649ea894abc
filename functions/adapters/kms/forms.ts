import type { Json, JsonObject } from '../../domain/json.ts';

/** DSSE's bytes to sign. */
export function preAuthenticationEncoding(payload_type: string, payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payload_type)} ${payload_type} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** The canonical JSON of a DSSE envelope with one signature: its members are in order, its texts ASCII. */
export function envelopeEntry(request: {
  payload_type: string;
  payload: Uint8Array;
  key_id: string;
  signature: Uint8Array;
}): Uint8Array {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  return Buffer.from(
    JSON.stringify({
      payload: base64(request.payload),
      payloadType: request.payload_type,
      signatures: [{ keyid: request.key_id, sig: base64(request.signature) }],
    }),
  );
}

/** A document apart from the proofs that it carries. */
export function splitProofs({ proof, ...unsecured }: JsonObject): { unsecured: JsonObject; proofs: readonly Json[] } {
  if (proof === undefined) return { unsecured, proofs: [] };
  return { unsecured, proofs: isList(proof) ? proof : [proof] };
}

/** The options of an eddsa-jcs-2022 proof; its value is added once it is signed. */
export function proofOptions(request: {
  unsecured: JsonObject;
  created: string;
  verification_method: string;
}): JsonObject {
  const context = request.unsecured['@context'];
  return {
    ...(context === undefined ? {} : { '@context': context }),
    created: request.created,
    cryptosuite: 'eddsa-jcs-2022',
    proofPurpose: 'assertionMethod',
    type: 'DataIntegrityProof',
    verificationMethod: request.verification_method,
  };
}

/** Issuers seal what grants and what takes back, and nothing else. */
export function isGrant(payload: JsonObject): boolean {
  const type = payload['predicateType'];
  return type === 'urn:signet:delegation:v1' || type === 'urn:signet:revocation:v1';
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
