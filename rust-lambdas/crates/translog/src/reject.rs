use thiserror::Error;

/// Why something about a log was refused; [`Reject::code`] is the stable text that crosses the language border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says what the variant means")]
pub enum Reject {
    #[error("the note, tile, proof, policy or request does not have its form")]
    Malformed,
    #[error("the entry is not in the tree at that place")]
    Inclusion,
    #[error("the larger tree does not continue the smaller one")]
    Consistency,
    #[error("no known log has this origin")]
    Origin,
    #[error("too few known witnesses cosigned the checkpoint")]
    Quorum,
    #[error("a key or signature was refused")]
    Signing(#[from] signing::Reject),
}

impl Reject {
    /// The reject code, such as `log.inclusion`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "log.malformed",
            Self::Inclusion => "log.inclusion",
            Self::Consistency => "log.consistency",
            Self::Origin => "log.origin",
            Self::Quorum => "log.quorum",
            Self::Signing(reject) => reject.code(),
        }
    }
}
