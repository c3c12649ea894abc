use std::time::{Duration, Instant};

use compute::{LedgerOperation, Operation};
use lambda_kit::{Bytes, Call};
use serde::{Deserialize, Serialize};
use signing::{PublicKey, Reject, Role, envelope};

use crate::checkpoint::sign_checkpoint;
use crate::context::CustodyKey;
use crate::{Context, SignError};

/// Left of an invocation when KMS is given up: enough to answer.
const MARGIN: Duration = Duration::from_millis(250);

/// Of a reply: what Lambda takes back is 6 MiB, and base64 grows by a third. A frame of many short items is answered by a
/// longer one.
const FRAME_BYTES_MAX: usize = 4_500_000;

/// Frames are those of the crate `compute`: no operation with private keys is among them.
#[derive(Debug, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case", deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "shared/schemas/sign-envelope.json describes them"
)]
pub enum Request {
    VerifySignatures {
        frame: Bytes,
    },
    OpenEnvelopes {
        frame: Bytes,
    },
    VerifyPayloads {
        frame: Bytes,
    },
    ReadEnvelopes {
        frame: Bytes,
    },
    VerifyDocuments {
        frame: Bytes,
    },
    DecodeKeyIds {
        frame: Bytes,
    },
    Digest {
        frame: Bytes,
    },
    Canonicalise {
        frame: Bytes,
    },
    GrowLog {
        frame: Bytes,
    },
    PlanProofs {
        frame: Bytes,
    },
    MakeProofs {
        frame: Bytes,
    },
    VerifyInclusions {
        frame: Bytes,
    },
    VerifyConsistencies {
        frame: Bytes,
    },
    OpenCheckpoints {
        frame: Bytes,
    },
    ReadLogProofs {
        frame: Bytes,
    },
    JudgeCheckpoints {
        frame: Bytes,
    },
    ReadWitnessRequests {
        frame: Bytes,
    },
    PublicKey {
        role: RoleName,
    },
    Seal {
        role: RoleName,
        payload_type: String,
        payload: String,
    },
    SignCheckpoint {
        size: u64,
        root: String,
    },
}

/// A role by its name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names are those of `signing::Role`")]
pub enum RoleName {
    Root,
    Issuer,
    Session,
    Agent,
    Log,
    Witness,
}

/// What comes back.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(
    missing_docs,
    reason = "shared/schemas/sign-envelope.json describes them"
)]
pub enum Reply {
    Frame { frame: Bytes },
    PublicKey { key_id: String, public_key: Bytes },
    Sealed { ok: bool, entry: Bytes, id: String },
    Signed { ok: bool, line: String },
    Refused { ok: bool, code: &'static str },
}

/// One request, one reply.
pub async fn answer(context: &Context, request: Request, call: &Call) -> Result<Reply, SignError> {
    match request {
        Request::VerifySignatures { frame } => frames(context, Operation::VerifySignatures, &frame),
        Request::OpenEnvelopes { frame } => frames(context, Operation::OpenEnvelopes, &frame),
        Request::VerifyPayloads { frame } => frames(context, Operation::VerifyPayloads, &frame),
        Request::ReadEnvelopes { frame } => frames(context, Operation::ReadEnvelopes, &frame),
        Request::VerifyDocuments { frame } => frames(context, Operation::VerifyDocuments, &frame),
        Request::DecodeKeyIds { frame } => frames(context, Operation::DecodeKeyIds, &frame),
        Request::Digest { frame } => frames(context, Operation::Digest, &frame),
        Request::Canonicalise { frame } => frames(context, Operation::Canonicalise, &frame),
        Request::GrowLog { frame } => frames(context, LedgerOperation::GrowLog, &frame),
        Request::PlanProofs { frame } => frames(context, LedgerOperation::PlanProofs, &frame),
        Request::MakeProofs { frame } => frames(context, LedgerOperation::MakeProofs, &frame),
        Request::VerifyInclusions { frame } => {
            frames(context, LedgerOperation::VerifyInclusions, &frame)
        }
        Request::VerifyConsistencies { frame } => {
            frames(context, LedgerOperation::VerifyConsistencies, &frame)
        }
        Request::OpenCheckpoints { frame } => {
            frames(context, LedgerOperation::OpenCheckpoints, &frame)
        }
        Request::ReadLogProofs { frame } => frames(context, LedgerOperation::ReadLogProofs, &frame),
        Request::JudgeCheckpoints { frame } => {
            frames(context, LedgerOperation::JudgeCheckpoints, &frame)
        }
        Request::ReadWitnessRequests { frame } => {
            frames(context, LedgerOperation::ReadWitnessRequests, &frame)
        }
        Request::PublicKey { role } => public_key(context, role.into(), call).await,
        Request::Seal {
            role,
            payload_type,
            payload,
        } => seal(context, role.into(), &payload_type, &payload, call).await,
        Request::SignCheckpoint { size, root } => {
            sign_checkpoint(context, (size, &root), call).await
        }
    }
}

fn frames(context: &Context, operation: impl Into<u32>, frame: &Bytes) -> Result<Reply, SignError> {
    let mut engine = context.engine.borrow_mut();
    let answer = engine.answer(operation.into(), &frame.0)?;
    if answer.len() > FRAME_BYTES_MAX {
        return Err(SignError::TooLarge(FRAME_BYTES_MAX));
    }
    Ok(Reply::Frame {
        frame: Bytes(answer),
    })
}

async fn public_key(context: &Context, role: Role, call: &Call) -> Result<Reply, SignError> {
    let Some(key) = context.key_of(role) else {
        return Ok(refused(Reject::KeyUnknown.code()));
    };
    if !context.serves(role, call) {
        return Ok(refused(Reject::KeyRole.code()));
    }
    let public = public_half(context, key, give_up_at(call)).await?;
    Ok(Reply::PublicKey {
        key_id: public.key_id().to_owned(),
        public_key: Bytes(public.as_bytes().to_vec()),
    })
}

/// The role decides over the form before KMS sees a byte, and the strict verifier over the signature before anyone else
/// does.
async fn seal(
    context: &Context,
    role: Role,
    payload_type: &str,
    payload: &str,
    call: &Call,
) -> Result<Reply, SignError> {
    let Some(key) = context.key_of(role) else {
        return Ok(refused(Reject::KeyUnknown.code()));
    };
    if !context.serves(role, call) {
        return Ok(refused(Reject::KeyRole.code()));
    }
    let unsigned = match envelope::prepare(role, payload_type, payload.as_bytes()) {
        Ok(unsigned) => unsigned,
        Err(reject) => return Ok(refused(reject.code())),
    };
    let deadline = give_up_at(call);
    let public = public_half(context, key, deadline).await?;
    let bytes = unsigned.bytes_to_sign();
    let signature = context.key_service.sign(&key.arn, bytes, deadline).await?;
    let sealed = unsigned
        .assemble(public, &signature)
        .map_err(SignError::Signature)?;
    Ok(Reply::Sealed {
        ok: true,
        entry: Bytes(sealed.entry),
        id: sealed.id,
    })
}

pub(crate) async fn public_half<'k>(
    context: &Context,
    key: &'k CustodyKey,
    deadline: Instant,
) -> Result<&'k PublicKey, SignError> {
    let ask = || context.key_service.public_key(&key.arn, deadline);
    Ok(key.public.get_or_try_init(ask).await?)
}

pub(crate) fn give_up_at(call: &Call) -> Instant {
    call.deadline
        .checked_sub(MARGIN)
        .unwrap_or_else(Instant::now)
}

pub(crate) fn refused(code: &'static str) -> Reply {
    Reply::Refused { ok: false, code }
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Root => Self::Root,
            RoleName::Issuer => Self::Issuer,
            RoleName::Session => Self::Session,
            RoleName::Agent => Self::Agent,
            RoleName::Log => Self::Log,
            RoleName::Witness => Self::Witness,
        }
    }
}

#[cfg(test)]
mod tests;
