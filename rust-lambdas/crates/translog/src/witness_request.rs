//! The body of `add-checkpoint` (C2SP `tlog-witness`): `old N`, a consistency proof, an empty line, the checkpoint.

use crate::checkpoint::Checkpoint;
use crate::note::Note;
use crate::{Hash, Reject, base64_lines};

/// Bytes of a body at most.
pub const BYTES_MAX: usize = 65_536;

/// A request, taken apart; nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessRequest<'r> {
    /// The size that the witness is thought to have cosigned last.
    pub old: u64,
    /// At most 63 hashes.
    pub proof: Vec<Hash>,
    /// A note.
    pub checkpoint: &'r str,
    /// What the note says.
    pub said: Checkpoint<'r>,
}

impl<'r> WitnessRequest<'r> {
    /// Reads it.
    pub fn read(bytes: &'r [u8]) -> Result<Self, Reject> {
        if bytes.len() > BYTES_MAX {
            return Err(Reject::Malformed);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Reject::Malformed)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(Reject::Malformed)?;
        let (old, proof) = head.split_once('\n').unwrap_or((head, ""));
        let old = old.strip_prefix("old ").ok_or(Reject::Malformed)?;
        let note = Note::read(checkpoint.as_bytes())?;
        Ok(Self {
            old: base64_lines::decode_number(old)?,
            proof: base64_lines::decode_hashes(proof)?,
            checkpoint,
            said: Checkpoint::read(note.text)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKPOINT: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    const HASH: &str = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=";

    #[test]
    fn reads_what_the_specification_shows() {
        let body = format!("old 20852014\n{HASH}\n{HASH}\n\n{CHECKPOINT}");
        let request = WitnessRequest::read(body.as_bytes()).unwrap();
        assert_eq!((request.old, request.proof.len()), (20_852_014, 2));
        assert_eq!(request.said.size, 20_852_163);
        assert_eq!(request.checkpoint, CHECKPOINT);
        let first = format!("old 0\n\n{CHECKPOINT}");
        assert!(
            WitnessRequest::read(first.as_bytes())
                .unwrap()
                .proof
                .is_empty()
        );
    }

    #[test]
    fn refuses_every_other_form() {
        let many = format!("{HASH}\n").repeat(64);
        for body in [
            String::new(),
            format!("old 1\n{CHECKPOINT}"),
            format!("new 1\n\n{CHECKPOINT}"),
            format!("old 01\n\n{CHECKPOINT}"),
            format!("old  1\n\n{CHECKPOINT}"),
            format!("old 1\n{HASH} \n\n{CHECKPOINT}"),
            format!("old 1\n{many}\n{CHECKPOINT}"),
            format!("old 1\n\n\n{CHECKPOINT}"),
            format!("old 1\n\n{}", CHECKPOINT.trim_end()),
            format!("old 1\r\n\r\n{CHECKPOINT}"),
        ] {
            let read = WitnessRequest::read(body.as_bytes());
            assert_eq!(read, Err(Reject::Malformed), "{body:?}");
        }
    }
}
