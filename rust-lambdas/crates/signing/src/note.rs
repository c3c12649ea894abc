//! Signatures on the texts of signed notes: the form of the roles `log` and `witness`.

use crate::{PrivateKey, Reject, Role};

/// The text that a cosignature of a note at `time` (Unix seconds) signs (C2SP `tlog-cosignature`).
pub fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Signs the text of a checkpoint whose first line is `origin`. Only a `log` key does; since an origin is never
/// `cosignature/v1`, no signature of one form is one of the other.
pub fn sign_checkpoint(key: &PrivateKey, origin: &str, text: &str) -> Result<[u8; 64], Reject> {
    let is_ours = text
        .split_once('\n')
        .is_some_and(|(first, _)| first == origin);
    if key.role() != Role::Log || origin == "cosignature/v1" {
        return Err(Reject::KeyRole);
    }
    if !is_ours || !text.ends_with('\n') {
        return Err(Reject::EnvelopeShape);
    }
    Ok(key.sign(text.as_bytes()))
}

/// Cosigns a checkpoint of somebody's at `time`. Only a `witness` key does.
pub fn cosign(key: &PrivateKey, time: u64, text: &str) -> Result<[u8; 64], Reject> {
    if key.role() != Role::Witness {
        return Err(Reject::KeyRole);
    }
    if !text.ends_with('\n') || time > i64::MAX as u64 {
        return Err(Reject::EnvelopeShape);
    }
    Ok(key.sign(cosigned(time, text).as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_only_for_its_role_and_in_its_form() {
        let log = PrivateKey::from_seed(Role::Log, &[1; 32]);
        let witness = PrivateKey::from_seed(Role::Witness, &[2; 32]);
        let session = PrivateKey::from_seed(Role::Session, &[3; 32]);
        let text = "origin\n1\nroot\n";
        let signature = sign_checkpoint(&log, "origin", text).unwrap();
        assert_eq!(log.public().verify(text.as_bytes(), &signature), Ok(()));
        let signature = cosign(&witness, 7, text).unwrap();
        let signed = b"cosignature/v1\ntime 7\norigin\n1\nroot\n";
        assert_eq!(witness.public().verify(signed, &signature), Ok(()));

        for key in [&witness, &session] {
            assert_eq!(sign_checkpoint(key, "origin", text), Err(Reject::KeyRole));
        }
        for key in [&log, &session] {
            assert_eq!(cosign(key, 7, text), Err(Reject::KeyRole));
        }
        assert_eq!(
            sign_checkpoint(&log, "cosignature/v1", "cosignature/v1\ntime 7\n"),
            Err(Reject::KeyRole)
        );
        for text in ["other\n1\nroot\n", "origin\n1\nroot", "originx\n", ""] {
            let refused = sign_checkpoint(&log, "origin", text);
            assert_eq!(refused, Err(Reject::EnvelopeShape), "{text:?}");
        }
        assert_eq!(cosign(&witness, 7, "text"), Err(Reject::EnvelopeShape));
        assert_eq!(cosign(&witness, u64::MAX, text), Err(Reject::EnvelopeShape));
    }
}
