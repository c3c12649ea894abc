// Conditions of the verify path in `rust-lambdas/crates/signing/src`, each taken away by one replacement. `from` stands
// once in its file. What is left out because nothing changes without it: `verify_strict` in place of `verify` (the
// pre-check and the comparison of R byte for byte leave it nothing to refuse; it is there in case we err).
const mutants = {
  'ed25519.rs': [
    [
      'key of more than 32 bytes',
      'bytes.try_into().map_err(|_| Reject::KeyMalformed)',
      'bytes.first_chunk().ok_or(Reject::KeyMalformed)',
    ],
    [
      'signature of more than 64 bytes',
      'bytes.try_into().map_err(|_| Reject::SignatureMalformed)',
      'bytes.first_chunk().ok_or(Reject::SignatureMalformed)',
    ],
    ['y of the key below p', '!is_canonical_y(bytes) || has_small_order(bytes)', 'has_small_order(bytes)'],
    ['key of small order', '!is_canonical_y(bytes) || has_small_order(bytes)', '!is_canonical_y(bytes)'],
    ['R of small order', 'if has_small_order(r) {', 'if false {'],
    ['S below L', 'if !is_below(s, &ORDER_L) {', 'if false {'],
    [
      'the equation',
      '.verify_strict(message, &signature)\n            .map_err(|_| Reject::SignatureInvalid)',
      '.verify_strict(message, &signature)\n            .or(Ok(()))',
    ],
    ['the sign bit is no part of y', 'y[31] &= 0x7f;', 'y[31] &= 0xff;'],
    ['below, not at', 'number.iter().rev().lt(bound.iter().rev())', 'number.iter().rev().le(bound.iter().rev())'],
    [
      'small order, y = 0',
      '    [0; 32],\n    small_order_y(1, 0, 0),',
      '    small_order_y(1, 0, 0),\n    small_order_y(1, 0, 0),',
    ],
    ['small order, y = 1', '    [0; 32],\n    small_order_y(1, 0, 0),', '    [0; 32],\n    [0; 32],'],
    ['small order, y = p - 1', 'small_order_y(0xec, 0xff, 0x7f)', '[0; 32]'],
    ['small order, y = p', 'small_order_y(0xed, 0xff, 0x7f)', '[0; 32]'],
    ['small order, y = p + 1', 'small_order_y(0xee, 0xff, 0x7f)', '[0; 32]'],
    ['small order, first of order 8', '0xc7, 0x17, 0x6a', '0xc8, 0x17, 0x6a'],
    ['small order, second of order 8', '0x26, 0xe8, 0x95', '0x27, 0xe8, 0x95'],
    ['L to its last bit', '0xed, 0xd3, 0xf5', '0xee, 0xd3, 0xf5'],
    ['p to its last bit', 'prime[0] = 0xed;', 'prime[0] = 0xee;'],
    ['the cache compares the whole key', 'known.as_bytes() != bytes', 'known.as_bytes()[..1] != bytes[..1]'],
  ],
  'envelope.rs': [
    ['size of the envelope', 'json::parse(bytes, BYTES_MAX)', 'json::parse(bytes, usize::MAX)'],
    ['type', '.ok_or(Reject::EnvelopeType)', '.or(Some(Self::Statement))\n            .ok_or(Reject::EnvelopeType)'],
    ['size of a received payload', 'if payload.len() > PAYLOAD_BYTES_MAX {', 'if false {'],
    ['size of an own payload', 'if canonical.len() > PAYLOAD_BYTES_MAX {', 'if false {'],
    ['at least one signature', 'values.is_empty() || values.len() > SIGNATURES_MAX', 'values.len() > SIGNATURES_MAX'],
    ['at most 16 signatures', 'values.is_empty() || values.len() > SIGNATURES_MAX', 'values.is_empty()'],
    ['one signature a key', 'if signatures.iter().any(|one| one.key_id == key_id) {', 'if false {'],
    ['a signature under the name of the key', '.find(|one| one.key_id == key.key_id())', '.next()'],
    ['the signature holds', 'key.verify(&encoded, &claimed.signature)?;', ''],
    ['a signature from elsewhere holds', 'key.verify(&self.encoded, signature)?;', ''],
    ['a received payload is canonical', 'if canonical != self.payload {', 'if false {'],
    ['the role seals this', 'role.may_seal(payload_type, &payload)?;', ''],
    ['length of the type', 'payload_type.len().to_string()', '0.to_string()'],
    ['length of the payload', 'payload.len().to_string()', '0.to_string()'],
    ['context of the id', 'signet 2026 envelope id v1', 'signet 2026 envelope id v2'],
    ['the second alphabet', '.or_else(|_| URL_SAFE.decode(text))', ''],
  ],
  'json.rs': [
    ['size', 'if text.len() > bytes_max {', 'if false {'],
    ['byte order mark', 'text.starts_with(b"\\xef\\xbb\\xbf") || std', 'std'],
    ['depth', 'if deepest(text) > DEPTH_MAX {', 'if deepest(text) > 4 * DEPTH_MAX {'],
    ['nothing behind the value', 'if self.at != self.text.len() {', 'if false {'],
    ['names are unique', 'if parser.duplicate_key {', 'if false {'],
    ['strings', 'if parser.bad_string {', 'if false {'],
    ['numbers', 'if parser.bad_number {', 'if false {'],
    ['finite', 'value.is_finite()\n        && ', ''],
    ['non-zero stays non-zero', 'is_zero && value.is_sign_positive()', 'value.is_sign_positive()'],
    ['no minus zero', 'is_zero && value.is_sign_positive()', 'is_zero'],
    ['integers within 2^53 - 1', '(!is_integer || value.abs() <= INTEGER_MAX)', 'true'],
    ['17 digits', 'significant_digits(mantissa) <= SIGNIFICANT_DIGITS_MAX', 'true'],
    ['noncharacters of the block', 'matches!(u32::from(c), 0xfdd0..=0xfdef) || ', ''],
    ['noncharacters of each plane', ' || u32::from(c) & 0xfffe == 0xfffe', ''],
    ['order of UTF-16', 'byte + 0x10', 'byte'],
  ],
  'role.rs': [
    ['documents by root alone', 'if self == Self::Root {', 'if true {'],
    [
      'issuers sign grants alone',
      '(Self::Issuer, PayloadType::Statement) => is_grant(payload)',
      '(Self::Issuer, PayloadType::Statement) => true',
    ],
    ['sessions sign statements of ours', 'is_ours(payload) && !is_grant(payload)', '!is_grant(payload)'],
    ['sessions sign no grants', 'is_ours(payload) && !is_grant(payload)', 'is_ours(payload)'],
  ],
  'document.rs': [
    ['the role signs documents', 'role.may_sign_documents()?;', ''],
    ['a signature from elsewhere holds', 'key.verify(&self.hash_data, signature)?;', ''],
    ['type of the proof', 'is("type", "DataIntegrityProof")', 'true'],
    ['cryptosuite', '&& is("cryptosuite", "eddsa-jcs-2022")', ''],
    ['purpose', '&& is("proofPurpose", "assertionMethod")', ''],
    [
      'context of the proof begins the document’s',
      '!document_context.is_some_and(|member| starts_with(&member.value, context))',
      'document_context.is_none()',
    ],
    [
      'what stands in the proof is signed',
      'data[..32].copy_from_slice(&digest_of(proof_options));',
      'digest_of(proof_options);',
    ],
    [
      'what stands in the document is signed',
      'data[32..].copy_from_slice(&digest_of(unsecured));',
      'digest_of(unsecured);',
    ],
    [
      'at most 16 proofs',
      'Some(Value::Array(proofs)) if proofs.len() <= PROOFS_MAX =>',
      'Some(Value::Array(proofs)) =>',
    ],
  ],
  'multikey.rs': [
    ['a name of a usable key', 'ed25519::PublicKey::from_bytes(&public_key)?;', ''],
    [
      'a name of an Ed25519 key',
      '.strip_prefix(&ED25519_PREFIX)\n        .ok_or(Reject::KeyMalformed)?',
      '.get(2..)\n        .ok_or(Reject::KeyMalformed)?',
    ],
  ],
  'pkcs8.rs': [
    [
      'the public half fits',
      'if public != Some(SigningKey::from_bytes(&seed).verifying_key().as_bytes()) {',
      'if public.is_none() {',
    ],
    ['nothing behind the seed', 'VERSION_1 if public.is_empty() => return Ok(seed)', 'VERSION_1 => return Ok(seed)'],
  ],
};

/** @type {{ file: string, condition: string, from: string, to: string }[]} */
export default Object.entries(mutants).flatMap(([file, list]) =>
  list.map(([condition, from, to]) => ({ file, condition, from, to })),
);
