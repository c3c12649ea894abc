use aws::AwsError;
use lambda_kit::Call;
use signing::Role;
use translog::checkpoint::Checkpoint;
use translog::note::signature_line;
use translog::verifier_key::{Kind, VerifierKey};
use translog::{Hash, Reject};

use crate::context::LogCustody;
use crate::handler::{Reply, give_up_at, public_half, refused};
use crate::{Context, SignError};

/// Signs the checkpoint of the size and root that the lock row has now, and no other. The caller says which it means, so
/// that it does not take the signature of a later one for its own; what it says is never what is signed.
pub(crate) async fn sign_checkpoint(
    context: &Context,
    (size, root): (u64, &str),
    call: &Call,
) -> Result<Reply, SignError> {
    let Some(log) = context.log() else {
        return Ok(refused(signing::Reject::KeyUnknown.code()));
    };
    if !context.serves(Role::Log, call) {
        return Ok(refused(signing::Reject::KeyRole.code()));
    }
    let deadline = give_up_at(call);
    let Some((committed_size, committed_root)) = committed(log, call).await? else {
        return Ok(refused(ROLLBACK));
    };
    if (size, root) != (committed_size, committed_root.as_str()) {
        return Ok(refused(ROLLBACK));
    }
    let text = Checkpoint {
        origin: &log.origin,
        size: committed_size,
        root: hash_of(&committed_root).ok_or(UNREADABLE)?,
    }
    .write();
    let public = public_half(context, &log.key, deadline).await?;
    let signature = context
        .key_service
        .sign(&log.key.arn, text.as_bytes(), deadline)
        .await?;
    public
        .verify(text.as_bytes(), &signature)
        .map_err(SignError::Signature)?;
    let signature = <[u8; 64]>::try_from(signature)
        .map_err(|_| SignError::Signature(signing::Reject::SignatureMalformed))?;
    let Ok(verifier) = VerifierKey::new(&log.origin, Kind::Note, public.clone()) else {
        return Ok(refused(Reject::Malformed.code()));
    };
    Ok(Reply::Signed {
        ok: true,
        line: signature_line(&verifier, None, &signature),
    })
}

/// Size and root of the last commit. `functions/domain/ledger/lock-row.ts` writes them.
async fn committed(log: &LogCustody, call: &Call) -> Result<Option<(u64, String)>, SignError> {
    let key = ("ledger#lock", "-");
    let row = log
        .rows
        .fields(key, ["size", "root"], give_up_at(call))
        .await?;
    match row {
        None => Ok(None),
        Some([Some(size), Some(root)]) => Ok(Some((size.parse().map_err(|_| UNREADABLE)?, root))),
        Some(_) => Err(UNREADABLE.into()),
    }
}

/// The lock row says something else: to sign what is asked for would be to sign another history, or an older state of ours.
const ROLLBACK: &str = "log.rollback";

const UNREADABLE: AwsError = AwsError::Unexpected {
    call: "GetItem",
    expected: "the size and the root of the log",
};

/// Of 64 lower-case hex digits.
fn hash_of(hex: &str) -> Option<Hash> {
    let is_hex = hex.len() == 64
        && hex
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let byte_at = |at: usize| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..32).map(byte_at).collect();
    bytes.filter(|_| is_hex)?.try_into().ok()
}
