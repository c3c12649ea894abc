//! Checkpoints: what a log says of itself at one size, as the text of a note (C2SP `tlog-checkpoint`).

use crate::{Hash, Reject, base64_lines};

/// The text of a checkpoint, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint<'t> {
    /// Names the log.
    pub origin: &'t str,
    /// Entries.
    pub size: u64,
    /// Root hash at that size.
    pub root: Hash,
}

impl<'t> Checkpoint<'t> {
    /// Three lines, and extension lines if there are some; none is empty.
    pub fn read(text: &'t str) -> Result<Self, Reject> {
        let lines = text.strip_suffix('\n').ok_or(Reject::Malformed)?;
        let mut lines = lines.split('\n');
        let mut line = || lines.next().ok_or(Reject::Malformed);
        let (origin, size, root) = (line()?, line()?, line()?);
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(Reject::Malformed);
        }
        Ok(Self {
            origin,
            size: base64_lines::decode_number(size)?,
            root: base64_lines::decode_hash(root)?,
        })
    }

    /// The text that is signed: no extension lines.
    pub fn write(&self) -> String {
        let root = base64_lines::encode(&self.root);
        format!("{}\n{}\n{root}\n", self.origin, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    #[test]
    fn reads_and_writes_the_example_of_the_specification() {
        let checkpoint = Checkpoint::read(TEXT).unwrap();
        assert_eq!(
            (checkpoint.origin, checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.write(), TEXT);
        let extended = format!("{TEXT}extension\n");
        assert_eq!(Checkpoint::read(&extended), Ok(checkpoint));
    }

    #[test]
    fn refuses_every_other_form() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        for text in [
            String::new(),
            "origin\n1\n".to_owned(),
            format!("origin\n1\n{root}"),
            format!("\n1\n{root}\n"),
            format!("origin\n01\n{root}\n"),
            format!("origin\n+1\n{root}\n"),
            format!("origin\n-1\n{root}\n"),
            format!("origin\n\n{root}\n"),
            format!("origin\n9223372036854775808\n{root}\n"),
            format!("origin\n1\n{}\n", &root[..40]),
            format!("origin\n1\n{}\n", root.replace("I=", "J=")),
            format!("origin\n1\n{root}\n\n"),
        ] {
            assert_eq!(Checkpoint::read(&text), Err(Reject::Malformed), "{text:?}");
        }
    }
}
