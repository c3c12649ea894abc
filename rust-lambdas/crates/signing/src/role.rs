//! One key per role, one byte form per key.

use crate::Reject;
use crate::envelope::PayloadType;
use crate::json::Value;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Signs documents, and nothing else.
    Root = 0,
    /// Signs delegations and revocations.
    Issuer = 1,
    /// Signs every other statement of ours, and messages.
    Session = 2,
    /// Text and documents of a caller's managed identity.
    Agent = 3,
    /// Checkpoints of our log.
    Log = 4,
    /// Cosignatures of others' checkpoints.
    Witness = 5,
}

impl Role {
    /// The number that crosses the language border.
    pub const fn from_u8(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Root,
            1 => Self::Issuer,
            2 => Self::Session,
            3 => Self::Agent,
            4 => Self::Log,
            5 => Self::Witness,
            _ => return None,
        })
    }

    /// `key.role` unless keys of this role sign documents.
    pub fn may_sign_documents(self) -> Result<(), Reject> {
        if self == Self::Root {
            Ok(())
        } else {
            Err(Reject::KeyRole)
        }
    }

    /// `key.role` unless keys of this role sign envelopes of this type with this payload.
    pub fn may_seal(self, payload_type: PayloadType, payload: &Value<'_>) -> Result<(), Reject> {
        let is_allowed = match (self, payload_type) {
            (Self::Issuer, PayloadType::Statement) => is_grant(payload),
            (Self::Session, PayloadType::Statement) => is_ours(payload) && !is_grant(payload),
            (Self::Session, PayloadType::Message) => true,
            (Self::Agent, PayloadType::Message) => {
                payload.get("kind").and_then(Value::as_str) == Some("document")
            }
            _ => false,
        };
        if is_allowed {
            Ok(())
        } else {
            Err(Reject::KeyRole)
        }
    }

    /// `key.role` unless keys of this role sign payloads that are their caller's own.
    pub fn may_seal_payloads(self) -> Result<(), Reject> {
        if self == Self::Agent {
            Ok(())
        } else {
            Err(Reject::KeyRole)
        }
    }
}

fn is_grant(payload: &Value<'_>) -> bool {
    matches!(
        predicate_type(payload),
        Some("urn:signet:delegation:v1" | "urn:signet:revocation:v1")
    )
}

fn is_ours(payload: &Value<'_>) -> bool {
    predicate_type(payload).is_some_and(|predicate| predicate.starts_with("urn:signet:"))
}

fn predicate_type<'v>(payload: &'v Value<'_>) -> Option<&'v str> {
    payload.get("predicateType")?.as_str()
}
