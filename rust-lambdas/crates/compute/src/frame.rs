use signing::Reject;
use thiserror::Error;

/// The request was not built by our other end, or by another version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// No operation has this number.
    #[error("no operation has the number {0}")]
    Operation(u32),
    /// No role has this number.
    #[error("no role has the number {0}")]
    Role(u32),
    /// No scorer has this number.
    #[error("no scorer has the number {0}")]
    Scorer(u32),
    /// No context of a scan has this number.
    #[error("no context of a scan has the number {0}")]
    Context(u32),
    /// No metric has this number.
    #[error("no metric has the number {0}")]
    Metric(u32),
    /// Rows that are not whole or not finite.
    #[error("a field of vectors is not whole or not finite")]
    Vectors,
    /// A field is longer than what is left.
    #[error("the request ends inside a field")]
    Short,
    /// Bytes behind the last item.
    #[error("the request has bytes behind its last item")]
    Long,
    /// A text field that is not UTF-8.
    #[error("a text field is not UTF-8")]
    Utf8,
}

/// Takes a request apart without copying.
pub(crate) struct Reader<'r> {
    left: &'r [u8],
}

impl<'r> Reader<'r> {
    pub(crate) fn new(request: &'r [u8]) -> Self {
        Self { left: request }
    }

    /// Of items; each has at least one field of four bytes, so a lying count cannot reserve much.
    pub(crate) fn count(&mut self) -> Result<usize, FrameError> {
        let count = self.number()? as usize;
        if count > self.left.len() / 4 {
            Err(FrameError::Short)
        } else {
            Ok(count)
        }
    }

    pub(crate) fn number(&mut self) -> Result<u32, FrameError> {
        let (number, left) = self.left.split_first_chunk().ok_or(FrameError::Short)?;
        self.left = left;
        Ok(u32::from_le_bytes(*number))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'r [u8], FrameError> {
        let length = self.number()? as usize;
        let (bytes, left) = self
            .left
            .split_at_checked(length)
            .ok_or(FrameError::Short)?;
        self.left = left;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'r str, FrameError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| FrameError::Utf8)
    }

    pub(crate) fn left(&self) -> usize {
        self.left.len()
    }

    pub(crate) fn end(&self) -> Result<(), FrameError> {
        if self.left.is_empty() {
            Ok(())
        } else {
            Err(FrameError::Long)
        }
    }
}

/// Builds an answer: for each item 1 and its fields, or 0 and the reject code.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// `hint`: bytes that the fields may take together.
    pub(crate) fn new(count: usize, hint: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(hint + count * 128),
        }
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.bytes.reserve(more);
    }

    pub(crate) fn accept(&mut self) -> &mut Self {
        self.bytes.push(1);
        self
    }

    pub(crate) fn refuse(&mut self, reject: Reject) -> &mut Self {
        self.refuse_code(reject.code())
    }

    pub(crate) fn refuse_code(&mut self, code: &str) -> &mut Self {
        self.bytes.push(0);
        self.bytes(code.as_bytes())
    }

    pub(crate) fn unit(&mut self, outcome: Result<(), Reject>) -> &mut Self {
        match outcome {
            Ok(()) => self.accept(),
            Err(reject) => self.refuse(reject),
        }
    }

    pub(crate) fn number(&mut self, number: u32) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(u32::try_from(bytes.len()).expect("an answer field is under 4 GiB"));
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
