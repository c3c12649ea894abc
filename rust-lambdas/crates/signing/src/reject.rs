use thiserror::Error;

/// Why an input was refused. One variant for each reject code that this crate can produce; [`Reject::code`] is the
/// stable text that crosses the language border, the message is for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "each message says what the variant means")]
pub enum Reject {
    #[error("the text is over its size limit")]
    JsonSize,
    #[error("the text is not UTF-8, or starts with a byte order mark")]
    JsonUtf8,
    #[error("arrays and objects are nested too deeply")]
    JsonDepth,
    #[error("the text is not JSON (RFC 8259)")]
    JsonSyntax,
    #[error("an object has two members of one name")]
    JsonDuplicateKey,
    #[error("a string has a lone surrogate or a noncharacter")]
    JsonString,
    #[error("a number is outside the I-JSON profile")]
    JsonNumber,
    #[error("the text is not its own canonical form (RFC 8785)")]
    JsonNotCanonical,
    #[error("the envelope, proof or document does not have its shape")]
    EnvelopeShape,
    #[error("the payload type is not one of ours")]
    EnvelopeType,
    #[error("the payload is over its size limit")]
    EnvelopePayloadSize,
    #[error("no such key here, or no signature by it")]
    KeyUnknown,
    #[error("the role of the key does not sign this form")]
    KeyRole,
    #[error("the key is malformed")]
    KeyMalformed,
    #[error("the signature is malformed")]
    SignatureMalformed,
    #[error("the signature's R has small order")]
    SignatureSmallOrder,
    #[error("the signature does not hold")]
    SignatureInvalid,
}

impl Reject {
    /// Every variant, in the order of the registry.
    pub const ALL: [Self; 17] = [
        Self::JsonSize,
        Self::JsonUtf8,
        Self::JsonSyntax,
        Self::JsonDuplicateKey,
        Self::JsonDepth,
        Self::JsonNumber,
        Self::JsonString,
        Self::JsonNotCanonical,
        Self::EnvelopeShape,
        Self::EnvelopeType,
        Self::EnvelopePayloadSize,
        Self::KeyUnknown,
        Self::KeyRole,
        Self::KeyMalformed,
        Self::SignatureMalformed,
        Self::SignatureSmallOrder,
        Self::SignatureInvalid,
    ];

    /// The reject code, such as `json.duplicate_key`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::JsonSize => "json.size",
            Self::JsonUtf8 => "json.utf8",
            Self::JsonSyntax => "json.syntax",
            Self::JsonDuplicateKey => "json.duplicate_key",
            Self::JsonDepth => "json.depth",
            Self::JsonNumber => "json.number",
            Self::JsonString => "json.string",
            Self::JsonNotCanonical => "json.not_canonical",
            Self::EnvelopeShape => "envelope.shape",
            Self::EnvelopeType => "envelope.type",
            Self::EnvelopePayloadSize => "envelope.payload_size",
            Self::KeyUnknown => "key.unknown",
            Self::KeyRole => "key.role",
            Self::KeyMalformed => "key.malformed",
            Self::SignatureMalformed => "sig.malformed",
            Self::SignatureSmallOrder => "sig.small_order",
            Self::SignatureInvalid => "sig.invalid",
        }
    }
}
