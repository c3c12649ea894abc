//! Documents with Data Integrity proofs, cryptosuite `eddsa-jcs-2022` (W3C, May 2025), purpose `assertionMethod`.
//!
//! Signed are 64 bytes: SHA-256(JCS(proof without proofValue)) and SHA-256(JCS(document without proof)). The `@context`
//! of the document, if it has one, is copied into the proof, so it is bound on both sides.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::json::{self, Member, Text, Value};
use crate::{PrivateKey, PublicKey, Reject, Role, base58, ed25519, jcs};

/// Of a document with its proofs.
pub const BYTES_MAX: usize = 256 * 1024;
/// In one document.
pub const PROOFS_MAX: usize = 16;

/// The canonical JSON of the document with one proof more: alone it stands as an object, among others in an array.
///
/// `created` is RFC 3339 in UTC with whole seconds; `envelope.shape` otherwise, or if the document is not an object.
pub fn sign(
    key: &PrivateKey,
    document_json: &[u8],
    verification_method: &str,
    created: &str,
) -> Result<Vec<u8>, Reject> {
    let unsigned = prepare(key.role(), document_json, verification_method, created)?;
    let signature = key.sign(unsigned.bytes_to_sign());
    unsigned.secured(&signature)
}

/// A document that a key outside of this process signs.
#[derive(Debug)]
pub struct Unsigned<'d> {
    unsecured: Vec<Member<'d>>,
    proofs: Vec<Value<'d>>,
    proof: Vec<Member<'d>>,
    hash_data: [u8; 64],
}

/// Everything of [`sign`] that comes before the signature, with the same refusals.
pub fn prepare<'d>(
    role: Role,
    document_json: &'d [u8],
    verification_method: &'d str,
    created: &'d str,
) -> Result<Unsigned<'d>, Reject> {
    let document = json::parse(document_json, BYTES_MAX)?;
    let members = document.as_object().ok_or(Reject::EnvelopeShape)?;
    if !is_utc_second(created) {
        return Err(Reject::EnvelopeShape);
    }
    role.may_sign_documents()?;

    let (old_proofs, unsecured): (Vec<_>, Vec<_>) = members
        .iter()
        .cloned()
        .partition(|member| member.name.as_bytes() == b"proof");
    let proofs = match old_proofs.into_iter().next().map(|member| member.value) {
        None => Vec::new(),
        Some(Value::Array(proofs)) => proofs,
        Some(proof @ Value::Object(_)) => vec![proof],
        Some(_) => return Err(Reject::EnvelopeShape),
    };
    if proofs.len() >= PROOFS_MAX {
        return Err(Reject::EnvelopeShape);
    }

    let context = unsecured
        .iter()
        .find(|member| member.name.as_bytes() == b"@context");
    let mut proof: Vec<Member<'_>> = context.cloned().into_iter().collect();
    proof.extend([
        text_member("created", created),
        text_member("cryptosuite", "eddsa-jcs-2022"),
        text_member("proofPurpose", "assertionMethod"),
        text_member("type", "DataIntegrityProof"),
        text_member("verificationMethod", verification_method),
    ]);
    Ok(Unsigned {
        hash_data: hash_data(&proof, &unsecured),
        unsecured,
        proofs,
        proof,
    })
}

impl Unsigned<'_> {
    /// The 64 bytes of both digests.
    pub fn bytes_to_sign(&self) -> &[u8; 64] {
        &self.hash_data
    }

    /// The document with a signature that came from elsewhere, which is verified first.
    pub fn assemble(self, key: &PublicKey, signature: &[u8]) -> Result<Vec<u8>, Reject> {
        let signature = ed25519::signature_of(signature)?;
        key.verify(&self.hash_data, signature)?;
        self.secured(signature)
    }

    fn secured(self, signature: &[u8; 64]) -> Result<Vec<u8>, Reject> {
        let proof_value = format!("z{}", base58::encode(signature));
        let Self {
            unsecured: mut secured,
            mut proofs,
            mut proof,
            ..
        } = self;
        proof.push(Member {
            name: text("proofValue"),
            value: Value::String(Text(Cow::Owned(proof_value.into_bytes()))),
        });
        proofs.push(Value::Object(sorted(proof)));
        let proof = if proofs.len() == 1 {
            proofs.swap_remove(0)
        } else {
            Value::Array(proofs)
        };
        secured.push(Member {
            name: text("proof"),
            value: proof,
        });
        let mut out = Vec::with_capacity(2048);
        jcs::write_value(&Value::Object(sorted(secured)), &mut out);
        // A verification method that is no I-JSON string would make a document nobody can read.
        json::parse(&out, BYTES_MAX)?;
        Ok(out)
    }
}

/// One of the document's eddsa-jcs-2022 proofs must be by `key`.
///
/// `envelope.shape` without such a proof; else the first proof's fault.
pub fn verify(document_json: &[u8], key: &PublicKey) -> Result<(), Reject> {
    let document = json::parse(document_json, BYTES_MAX)?;
    let members = document.as_object().ok_or(Reject::EnvelopeShape)?;
    let proofs = match document.get("proof") {
        Some(Value::Array(proofs)) if proofs.len() <= PROOFS_MAX => proofs.as_slice(),
        Some(proof @ Value::Object(_)) => std::slice::from_ref(proof),
        _ => return Err(Reject::EnvelopeShape),
    };
    let unsecured: Vec<Member<'_>> = members
        .iter()
        .filter(|one| one.name.as_bytes() != b"proof")
        .cloned()
        .collect();
    let mut fault = Reject::EnvelopeShape;
    for proof in proofs.iter().filter(|proof| is_ours(proof)) {
        match verify_proof(proof, &unsecured, key) {
            Ok(()) => return Ok(()),
            Err(reject) if fault == Reject::EnvelopeShape => fault = reject,
            Err(_) => {}
        }
    }
    Err(fault)
}

fn is_ours(proof: &Value<'_>) -> bool {
    let is = |name, expected| proof.get(name).and_then(Value::as_str) == Some(expected);
    is("type", "DataIntegrityProof")
        && is("cryptosuite", "eddsa-jcs-2022")
        && is("proofPurpose", "assertionMethod")
        && proof
            .get("verificationMethod")
            .and_then(Value::as_str)
            .is_some()
}

fn verify_proof(
    proof: &Value<'_>,
    unsecured: &[Member<'_>],
    key: &PublicKey,
) -> Result<(), Reject> {
    let value = proof
        .get("proofValue")
        .and_then(Value::as_str)
        .and_then(|text| text.strip_prefix('z'));
    let signature = value
        .and_then(base58::decode)
        .ok_or(Reject::SignatureMalformed)?;
    let options: Vec<Member<'_>> = proof
        .as_object()
        .ok_or(Reject::EnvelopeShape)?
        .iter()
        .filter(|member| member.name.as_bytes() != b"proofValue")
        .cloned()
        .collect();
    let Some(context) = proof.get("@context") else {
        return key.verify(&hash_data(&options, unsecured), &signature);
    };
    // The specification lets a document add contexts behind those that were signed; what was hashed are the proof's.
    let document_context = unsecured
        .iter()
        .find(|member| member.name.as_bytes() == b"@context");
    if !document_context.is_some_and(|member| starts_with(&member.value, context)) {
        return Err(Reject::SignatureInvalid);
    }
    let mut as_signed = unsecured.to_vec();
    for member in as_signed
        .iter_mut()
        .filter(|member| member.name.as_bytes() == b"@context")
    {
        member.value = context.clone();
    }
    key.verify(&hash_data(&options, &as_signed), &signature)
}

fn starts_with(document: &Value<'_>, proof: &Value<'_>) -> bool {
    fn list<'v, 'a>(value: &'v Value<'a>) -> &'v [Value<'a>] {
        match value {
            Value::Array(values) => values,
            one => std::slice::from_ref(one),
        }
    }
    list(document).starts_with(list(proof))
}

fn hash_data(proof_options: &[Member<'_>], unsecured: &[Member<'_>]) -> [u8; 64] {
    let mut data = [0; 64];
    data[..32].copy_from_slice(&digest_of(proof_options));
    data[32..].copy_from_slice(&digest_of(unsecured));
    data
}

fn digest_of(members: &[Member<'_>]) -> [u8; 32] {
    let mut canonical = Vec::with_capacity(1024);
    jcs::write_members(members.iter(), &mut canonical);
    Sha256::digest(&canonical).into()
}

fn sorted(mut members: Vec<Member<'_>>) -> Vec<Member<'_>> {
    members.sort_by(|a, b| json::utf16_order(a.name.as_bytes(), b.name.as_bytes()));
    members
}

fn text_member<'a>(name: &'a str, value: &'a str) -> Member<'a> {
    Member {
        name: text(name),
        value: Value::String(text(value)),
    }
}

fn text(text: &str) -> Text<'_> {
    Text(Cow::Borrowed(text.as_bytes()))
}

/// `2026-11-24T09:00:00Z`; the calendar itself is not judged.
fn is_utc_second(text: &str) -> bool {
    const SHAPE: &[u8; 20] = b"0000-00-00T00:00:00Z";
    text.len() == SHAPE.len()
        && text.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *shape,
        })
}

#[cfg(test)]
mod tests;
