//! DSSE 1.0.2 envelopes: what is signed is the received bytes, never a re-encoding of them.
//!
//! ```text
//! {"payload": base64, "payloadType": T, "signatures": [{"keyid": "z6Mk…", "sig": base64(64 bytes)}]}
//! PAE = "DSSEv1 " len(T) " " T " " len(payload) " " payload        sig = Ed25519(PAE)
//! ```

mod own;

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};

use crate::json::{self, Value};
use crate::{PrivateKey, PublicKey, Reject, Role, ed25519, jcs};

pub use own::{TEXT_TYPE, seal_payload, verify_payload};

/// Of the whole envelope, measured before anything is parsed.
pub const BYTES_MAX: usize = 8192;
/// So that the PAE fits what a key service signs in one piece (4,096 bytes).
pub const PAYLOAD_BYTES_MAX: usize = 3900;
/// In one envelope.
pub const SIGNATURES_MAX: usize = 16;

/// The payload types that we sign and open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadType {
    /// in-toto Statement v1.
    Statement,
    /// A message between nodes.
    Message,
}

impl PayloadType {
    /// The media type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Statement => "application/vnd.in-toto+json",
            Self::Message => "application/vnd.signet.message.v1+json",
        }
    }

    /// `envelope.type` for any other text.
    pub fn from_text(text: &str) -> Result<Self, Reject> {
        [Self::Statement, Self::Message]
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or(Reject::EnvelopeType)
    }
}

/// An envelope just made.
#[derive(Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Canonical JSON of the envelope.
    pub entry: Vec<u8>,
    /// 64 lower-case hex digits.
    pub id: String,
}

/// Canonicalises `payload_json`, asks the role of the key, and signs.
pub fn seal(key: &PrivateKey, payload_type: &str, payload_json: &[u8]) -> Result<Sealed, Reject> {
    let unsigned = prepare(key.role(), payload_type, payload_json)?;
    let signature = key.sign(unsigned.bytes_to_sign());
    Ok(unsigned.sealed(key.public().key_id(), &signature))
}

/// An envelope that a key outside of this process signs.
///
/// ```no_run
/// use signing::{PublicKey, Reject, Role, envelope};
///
/// fn seal_elsewhere(key: &PublicKey, sign: impl Fn(&[u8]) -> Vec<u8>) -> Result<envelope::Sealed, Reject> {
///     let grant = br#"{"predicateType":"urn:signet:delegation:v1"}"#;
///     let unsigned = envelope::prepare(Role::Issuer, "application/vnd.in-toto+json", grant)?;
///     let signature = sign(unsigned.bytes_to_sign());
///     unsigned.assemble(key, &signature)
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Unsigned {
    payload_type: PayloadType,
    canonical: Vec<u8>,
    encoded: Vec<u8>,
}

/// Everything of [`seal`] that comes before the signature, with the same refusals.
pub fn prepare(role: Role, payload_type: &str, payload_json: &[u8]) -> Result<Unsigned, Reject> {
    let payload_type = PayloadType::from_text(payload_type)?;
    let payload = json::parse(payload_json, jcs::TEXT_BYTES_MAX)?;
    if payload.as_object().is_none() {
        return Err(Reject::EnvelopeShape);
    }
    let mut canonical = Vec::with_capacity(payload_json.len());
    jcs::write_value(&payload, &mut canonical);
    if canonical.len() > PAYLOAD_BYTES_MAX {
        return Err(Reject::EnvelopePayloadSize);
    }
    role.may_seal(payload_type, &payload)?;
    let encoded = pre_authentication_encoding(payload_type.as_str().as_bytes(), &canonical);
    Ok(Unsigned {
        payload_type,
        canonical,
        encoded,
    })
}

impl Unsigned {
    /// The PAE, at most 4,096 bytes.
    pub fn bytes_to_sign(&self) -> &[u8] {
        &self.encoded
    }

    /// The envelope with a signature that came from elsewhere, which is verified first: one that does not hold never
    /// leaves.
    pub fn assemble(self, key: &PublicKey, signature: &[u8]) -> Result<Sealed, Reject> {
        let signature = ed25519::signature_of(signature)?;
        key.verify(&self.encoded, signature)?;
        Ok(self.sealed(key.key_id(), signature))
    }

    fn sealed(self, key_id: &str, signature: &[u8; 64]) -> Sealed {
        Sealed {
            entry: entry_of(
                self.payload_type.as_str(),
                &self.canonical,
                key_id,
                signature,
            ),
            id: id_of(&self.encoded),
        }
    }
}

/// An envelope that has its shape; nothing in it is believed yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: PayloadType,
    payload: Vec<u8>,
    signatures: Vec<ClaimedSignature>,
}

#[derive(Debug, PartialEq, Eq)]
struct ClaimedSignature {
    key_id: String,
    signature: Vec<u8>,
}

/// A payload whose signature held and whose bytes are canonical JSON of an object.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// 64 lower-case hex digits.
    pub id: String,
    /// What the payload is.
    pub payload_type: PayloadType,
    /// As it was received.
    pub payload: Vec<u8>,
}

impl Envelope {
    /// Size, outer JSON, shape, base64, type, payload size, in this order.
    pub fn read(bytes: &[u8]) -> Result<Self, Reject> {
        let outer = json::parse(bytes, BYTES_MAX)?;
        let [payload, payload_type, signatures] =
            members(&outer, ["payload", "payloadType", "signatures"])?;
        let payload = base64_of(payload)?;
        let payload_type = payload_type.as_str().ok_or(Reject::EnvelopeShape)?;
        let signatures = claimed_signatures(signatures)?;
        let payload_type = PayloadType::from_text(payload_type)?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(Reject::EnvelopePayloadSize);
        }
        Ok(Self {
            payload_type,
            payload,
            signatures,
        })
    }

    /// BLAKE3 over what is signed, 64 lower-case hex digits; known before any signature is verified.
    pub fn id(&self) -> String {
        id_of(&pre_authentication_encoding(
            self.payload_type.as_str().as_bytes(),
            &self.payload,
        ))
    }

    /// What the payload claims to be.
    pub fn payload_type(&self) -> PayloadType {
        self.payload_type
    }

    /// The names under which the signatures stand, in order. They pick candidates and prove nothing.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|one| one.key_id.as_str())
    }

    /// Requires a signature by `key`, verifies it over the received bytes, and only then parses the payload.
    pub fn open(self, key: &PublicKey) -> Result<Opened, Reject> {
        let claimed = self
            .signatures
            .iter()
            .find(|one| one.key_id == key.key_id())
            .ok_or(Reject::KeyUnknown)?;
        let encoded =
            pre_authentication_encoding(self.payload_type.as_str().as_bytes(), &self.payload);
        key.verify(&encoded, &claimed.signature)?;

        let payload = json::parse(&self.payload, PAYLOAD_BYTES_MAX)?;
        if payload.as_object().is_none() {
            return Err(Reject::EnvelopeShape);
        }
        let mut canonical = Vec::with_capacity(self.payload.len());
        jcs::write_value(&payload, &mut canonical);
        if canonical != self.payload {
            return Err(Reject::JsonNotCanonical);
        }
        Ok(Opened {
            id: id_of(&encoded),
            payload_type: self.payload_type,
            payload: self.payload,
        })
    }
}

/// What is signed: lengths in bytes, ASCII decimal, so that no two (type, payload) have one encoding.
pub fn pre_authentication_encoding(payload_type: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(payload_type.len() + payload.len() + 24);
    encoded.extend_from_slice(b"DSSEv1 ");
    encoded.extend_from_slice(payload_type.len().to_string().as_bytes());
    encoded.push(b' ');
    encoded.extend_from_slice(payload_type);
    encoded.push(b' ');
    encoded.extend_from_slice(payload.len().to_string().as_bytes());
    encoded.push(b' ');
    encoded.extend_from_slice(payload);
    encoded
}

/// The id of an envelope: over what is signed, not over the signature, so that a second signature changes no id.
fn id_of(encoded: &[u8]) -> String {
    static CONTEXT: LazyLock<ContextKey> =
        LazyLock::new(|| hash_derive_key_context("signet 2026 envelope id v1"));
    let id = blake3::Hasher::new_from_context_key(&CONTEXT)
        .update(encoded)
        .finalize();
    id.to_hex().to_string()
}

fn entry_of(payload_type: &str, payload: &[u8], key_id: &str, signature: &[u8; 64]) -> Vec<u8> {
    let mut text = String::with_capacity(payload.len() * 4 / 3 + 320);
    text.push_str(r#"{"payload":""#);
    STANDARD.encode_string(payload, &mut text);
    text.push_str(r#"","payloadType":""#);
    text.push_str(payload_type);
    text.push_str(r#"","signatures":[{"keyid":""#);
    text.push_str(key_id);
    text.push_str(r#"","sig":""#);
    STANDARD.encode_string(signature, &mut text);
    text.push_str(r#""}]}"#);
    text.into_bytes()
}

/// 1 to 16, each of another key: two signatures under one name would leave open which of them counts.
fn claimed_signatures(value: &Value<'_>) -> Result<Vec<ClaimedSignature>, Reject> {
    let Value::Array(values) = value else {
        return Err(Reject::EnvelopeShape);
    };
    if values.is_empty() || values.len() > SIGNATURES_MAX {
        return Err(Reject::EnvelopeShape);
    }
    let mut signatures: Vec<ClaimedSignature> = Vec::with_capacity(values.len());
    for value in values {
        let [key_id, signature] = members(value, ["keyid", "sig"])?;
        let key_id = key_id.as_str().ok_or(Reject::EnvelopeShape)?;
        if signatures.iter().any(|one| one.key_id == key_id) {
            return Err(Reject::EnvelopeShape);
        }
        signatures.push(ClaimedSignature {
            key_id: key_id.to_owned(),
            signature: base64_of(signature)?,
        });
    }
    Ok(signatures)
}

/// The values of exactly these members, named in canonical order.
fn members<'v, 'a, const N: usize>(
    value: &'v Value<'a>,
    names: [&str; N],
) -> Result<[&'v Value<'a>; N], Reject> {
    let members = value.as_object().ok_or(Reject::EnvelopeShape)?;
    if !members
        .iter()
        .map(|member| member.name.as_bytes())
        .eq(names.iter().map(|name| name.as_bytes()))
    {
        return Err(Reject::EnvelopeShape);
    }
    Ok(std::array::from_fn(|index| &members[index].value))
}

/// Either alphabet, not both in one text; padding and trailing bits must be canonical, so no other text means the same
/// bytes in the same alphabet.
fn base64_of(value: &Value<'_>) -> Result<Vec<u8>, Reject> {
    let text = value.as_str().ok_or(Reject::EnvelopeShape)?;
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .map_err(|_| Reject::EnvelopeShape)
}

#[cfg(test)]
mod tests;
