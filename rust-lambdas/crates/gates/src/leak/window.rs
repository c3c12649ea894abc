/// What was read of a text: its end may be the end of the text, or where the rest has not come yet.
#[derive(Clone, Copy)]
pub(super) struct Window<'t> {
    pub(super) bytes: &'t [u8],
    pub(super) is_last: bool,
}

/// Whether something was found depends on bytes that have not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open;

impl Window<'_> {
    /// None behind the end of the text. Whoever asks for a byte that has not come yet has no verdict.
    #[inline]
    pub(super) fn get(self, at: usize) -> Result<Option<u8>, Open> {
        match self.bytes.get(at) {
            Some(byte) => Ok(Some(*byte)),
            None if self.is_last => Ok(None),
            None => Err(Open),
        }
    }

    pub(super) fn starts_with(self, at: usize, prefix: &[u8]) -> Result<bool, Open> {
        for (offset, byte) in prefix.iter().enumerate() {
            if self.get(at + offset)? != Some(*byte) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
