//! The proof half of the compute port (`functions/domain/ports/compute.ts`) over packed frames: what the Node addon and
//! the WASM blob both serve, so that they cannot differ.
//!
//! A request is a list of items, an answer has one outcome for each, in order; a bad item never shifts or fails another.
//! The bytes are described in `functions/adapters/frames/frames.ts`, the other end.

mod arithmetic;
mod frame;
mod gates;
mod ledger;
mod vectors;

use frame::{Reader, Writer};
use sha2::{Digest, Sha256};
use signing::ed25519::{self, KeyCache};
use signing::envelope::{self, Envelope};
use signing::{Keyring, PrivateKey, Reject, Role, document, jcs, multikey, pkcs8};

pub use crate::arithmetic::ArithmeticOperation;
pub use crate::gates::{Clock, GateOperation};
pub use frame::FrameError;
pub use ledger::LedgerOperation;
pub use vectors::{VectorEngine, VectorOperation};

/// Open private keys and known public ones: all state there is.
#[derive(Debug)]
pub struct Engine {
    keyring: Keyring,
    keys: KeyCache,
    clock: Clock,
}

impl Default for Engine {
    /// One whose time stands still: nothing is ever late.
    fn default() -> Self {
        Self::with_clock(|| 0.0)
    }
}

/// What can be asked. The numbers cross the language border and are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the port's methods have the same names")]
pub enum Operation {
    GenerateKey = 1,
    OpenKey = 2,
    CloseKey = 3,
    SealEnvelopes = 4,
    SignDocuments = 5,
    VerifySignatures = 6,
    OpenEnvelopes = 7,
    VerifyDocuments = 8,
    DecodeKeyIds = 9,
    Digest = 10,
    Canonicalise = 11,
    SealPayloads = 40,
    VerifyPayloads = 41,
    ReadEnvelopes = 42,
}

impl Operation {
    const ALL: [Self; 14] = [
        Self::GenerateKey,
        Self::OpenKey,
        Self::CloseKey,
        Self::SealEnvelopes,
        Self::SignDocuments,
        Self::VerifySignatures,
        Self::OpenEnvelopes,
        Self::VerifyDocuments,
        Self::DecodeKeyIds,
        Self::Digest,
        Self::Canonicalise,
        Self::SealPayloads,
        Self::VerifyPayloads,
        Self::ReadEnvelopes,
    ];

    fn from_number(number: u32) -> Result<Self, FrameError> {
        Self::ALL
            .into_iter()
            .find(|known| *known as u32 == number)
            .ok_or(FrameError::Operation(number))
    }
}

impl From<Operation> for u32 {
    fn from(operation: Operation) -> Self {
        operation as Self
    }
}

impl Engine {
    /// One whose deadlines are measured by `clock`.
    pub fn with_clock(clock: Clock) -> Self {
        Self {
            keyring: Keyring::default(),
            keys: KeyCache::default(),
            clock,
        }
    }

    /// Answers one request frame with one answer frame. An error is a bug of the other end, never a bad item.
    pub fn answer(&mut self, operation: u32, request: &[u8]) -> Result<Vec<u8>, FrameError> {
        if let Some(operation) = ArithmeticOperation::from_number(operation) {
            return operation.answer(request);
        }
        if let Some(operation) = LedgerOperation::from_number(operation) {
            return self.answer_about_log(operation, request);
        }
        if let Some(scorer) = GateOperation::from_number(operation) {
            return scorer.answer(request, self.clock);
        }
        let operation = Operation::from_number(operation)?;
        let mut request = Reader::new(request);
        let count = request.count()?;
        let mut answer = Writer::new(count, request.left());
        for _ in 0..count {
            match operation {
                Operation::GenerateKey => self.generate_key(&mut request, &mut answer)?,
                Operation::OpenKey => self.open_key(&mut request, &mut answer)?,
                Operation::CloseKey => {
                    self.keyring.remove(request.number()?);
                    answer.accept();
                }
                Operation::SealEnvelopes => {
                    self.seal(&mut request, &mut answer, envelope::seal)?;
                }
                Operation::SignDocuments => self.sign_document(&mut request, &mut answer)?,
                Operation::VerifySignatures => {
                    let (key, message, signature) =
                        (request.bytes()?, request.bytes()?, request.bytes()?);
                    answer.unit(self.verify_signature(key, message, signature));
                }
                Operation::OpenEnvelopes => self.open_envelope(&mut request, &mut answer)?,
                Operation::VerifyDocuments => {
                    let (text, key) = (request.bytes()?, request.bytes()?);
                    let key = ed25519::key_of(key).and_then(|key| self.keys.get(key));
                    answer.unit(key.and_then(|key| document::verify(text, key)));
                }
                Operation::DecodeKeyIds => match multikey::decode(request.text()?) {
                    Ok(key) => {
                        answer.accept().bytes(&key);
                    }
                    Err(reject) => {
                        answer.refuse(reject);
                    }
                },
                Operation::Digest => {
                    let content = request.bytes()?;
                    answer
                        .accept()
                        .bytes(&Sha256::digest(content))
                        .bytes(blake3::hash(content).as_bytes());
                }
                Operation::SealPayloads => {
                    self.seal(&mut request, &mut answer, envelope::seal_payload)?;
                }
                Operation::VerifyPayloads => {
                    let (key, payload_type) = (request.bytes()?, request.text()?);
                    let (payload, signature) = (request.bytes()?, request.bytes()?);
                    let outcome = ed25519::key_of(key).and_then(|key| {
                        ed25519::signature_of(signature)?;
                        let key = self.keys.get(key)?;
                        envelope::verify_payload(key, payload_type, payload, signature)
                    });
                    answer.unit(outcome);
                }
                Operation::ReadEnvelopes => match Envelope::read(request.bytes()?) {
                    Ok(outline) => {
                        let key_ids: Vec<&str> = outline.key_ids().collect();
                        answer
                            .accept()
                            .bytes(outline.id().as_bytes())
                            .bytes(outline.payload_type().as_str().as_bytes())
                            .bytes(key_ids.join("\n").as_bytes());
                    }
                    Err(reject) => {
                        answer.refuse(reject);
                    }
                },
                Operation::Canonicalise => match jcs::canonicalise(request.bytes()?) {
                    Ok(canonical) => {
                        answer.accept().bytes(&canonical);
                    }
                    Err(reject) => {
                        answer.refuse(reject);
                    }
                },
            }
        }
        request.end()?;
        Ok(answer.into_bytes())
    }

    fn answer_about_log(
        &self,
        operation: LedgerOperation,
        request: &[u8],
    ) -> Result<Vec<u8>, FrameError> {
        let mut request = Reader::new(request);
        let count = request.count()?;
        let mut answer = Writer::new(count, request.left());
        for _ in 0..count {
            self.answer_ledger(operation, &mut request, &mut answer)?;
        }
        request.end()?;
        Ok(answer.into_bytes())
    }

    fn generate_key(
        &mut self,
        request: &mut Reader<'_>,
        answer: &mut Writer,
    ) -> Result<(), FrameError> {
        let (role, seed, is_exportable) = (
            role_of(request.number()?)?,
            request.bytes()?,
            request.number()? != 0,
        );
        let Ok(seed) = <&[u8; 32]>::try_from(seed) else {
            answer.refuse(Reject::KeyMalformed);
            return Ok(());
        };
        // Room for all of it now: a buffer that grows would leave a copy of the private bytes behind.
        answer.reserve(512);
        self.opened(PrivateKey::from_seed(role, seed), answer);
        let pem = is_exportable.then(|| pkcs8::write(seed));
        answer.bytes(pem.as_ref().map_or(&[], |pem| pem.as_slice()));
        Ok(())
    }

    fn open_key(
        &mut self,
        request: &mut Reader<'_>,
        answer: &mut Writer,
    ) -> Result<(), FrameError> {
        let (role, pem) = (role_of(request.number()?)?, request.bytes()?);
        match pkcs8::read(pem) {
            Ok(seed) => self.opened(PrivateKey::from_seed(role, &seed), answer),
            Err(reject) => {
                answer.refuse(reject);
            }
        }
        Ok(())
    }

    fn opened(&mut self, key: PrivateKey, answer: &mut Writer) {
        let (public_key, key_id) = (*key.public().as_bytes(), key.public().key_id().to_owned());
        let handle = self.keyring.insert(key);
        answer
            .accept()
            .number(handle)
            .bytes(&public_key)
            .bytes(key_id.as_bytes());
    }

    /// `seal` is `envelope::seal` for canonical JSON, `envelope::seal_payload` for bytes as they are.
    fn seal(
        &self,
        request: &mut Reader<'_>,
        answer: &mut Writer,
        seal: fn(&PrivateKey, &str, &[u8]) -> Result<envelope::Sealed, Reject>,
    ) -> Result<(), FrameError> {
        let (handle, payload_type, payload) =
            (request.number()?, request.text()?, request.bytes()?);
        match self
            .keyring
            .get(handle)
            .and_then(|key| seal(key, payload_type, payload))
        {
            Ok(sealed) => answer
                .accept()
                .bytes(&sealed.entry)
                .bytes(sealed.id.as_bytes()),
            Err(reject) => answer.refuse(reject),
        };
        Ok(())
    }

    fn sign_document(
        &self,
        request: &mut Reader<'_>,
        answer: &mut Writer,
    ) -> Result<(), FrameError> {
        let (handle, method, created) = (request.number()?, request.text()?, request.text()?);
        let text = request.bytes()?;
        match self
            .keyring
            .get(handle)
            .and_then(|key| document::sign(key, text, method, created))
        {
            Ok(secured) => answer.accept().bytes(&secured),
            Err(reject) => answer.refuse(reject),
        };
        Ok(())
    }

    /// Lengths of both before anything else: the order of the acceptance rule.
    fn verify_signature(
        &mut self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Reject> {
        let key = ed25519::key_of(key)?;
        ed25519::signature_of(signature)?;
        self.keys.get(key)?.verify(message, signature)
    }

    fn open_envelope(
        &mut self,
        request: &mut Reader<'_>,
        answer: &mut Writer,
    ) -> Result<(), FrameError> {
        let (text, key) = (request.bytes()?, request.bytes()?);
        let opened = Envelope::read(text).and_then(|envelope| {
            let key = self.keys.get(ed25519::key_of(key)?)?;
            envelope.open(key)
        });
        match opened {
            Ok(opened) => answer
                .accept()
                .bytes(opened.id.as_bytes())
                .bytes(opened.payload_type.as_str().as_bytes())
                .bytes(&opened.payload),
            Err(reject) => answer.refuse(reject),
        };
        Ok(())
    }
}

fn role_of(number: u32) -> Result<Role, FrameError> {
    u8::try_from(number)
        .ok()
        .and_then(Role::from_u8)
        .ok_or(FrameError::Role(number))
}

#[cfg(test)]
mod tests;
