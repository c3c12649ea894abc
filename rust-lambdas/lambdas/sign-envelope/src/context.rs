use std::cell::RefCell;

use compute::Engine;
use kms::KeyService;
use lambda_kit::{Environment, StartError};
use signing::{PublicKey, Role};
use tokio::sync::OnceCell;

/// What one process keeps between invocations.
pub struct Context {
    /// Known public keys; it holds no private one.
    pub(crate) engine: RefCell<Engine>,
    pub(crate) key_service: KeyService,
    issuer: CustodyKey,
}

/// A key whose private half stays in KMS.
pub(crate) struct CustodyKey {
    pub(crate) arn: String,
    /// Asked for once.
    pub(crate) public: OnceCell<PublicKey>,
}

impl Context {
    /// `SIGNET_KMS_ISSUER` is the ARN of the issuer's key. KMS is not asked before the first request that needs it.
    pub fn from_environment(environment: &Environment) -> Result<Self, StartError> {
        let [issuer] = environment.require(["SIGNET_KMS_ISSUER"])?;
        Ok(Self {
            engine: RefCell::default(),
            key_service: KeyService::from_environment(environment)?,
            issuer: CustodyKey {
                arn: issuer.to_owned(),
                public: OnceCell::new(),
            },
        })
    }

    /// The key of a role, where this function has one.
    pub(crate) fn key_of(&self, role: Role) -> Option<&CustodyKey> {
        (role == Role::Issuer).then_some(&self.issuer)
    }
}
