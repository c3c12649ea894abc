use std::cell::RefCell;

use aws::{KeyService, Rows};
use compute::Engine;
use lambda_kit::{Call, Environment, StartError};
use signing::{PublicKey, Role};
use tokio::sync::OnceCell;

/// What one process keeps between invocations.
pub struct Context {
    /// Known public keys; it holds no private one.
    pub(crate) engine: RefCell<Engine>,
    pub(crate) key_service: KeyService,
    issuer: CustodyKey,
    log: Option<LogCustody>,
    has_aliases: bool,
}

/// A key whose private half stays in KMS.
pub(crate) struct CustodyKey {
    pub(crate) arn: String,
    /// Asked for once.
    pub(crate) public: OnceCell<PublicKey>,
}

/// The key of the log, and where the log says how far it is.
pub(crate) struct LogCustody {
    pub(crate) key: CustodyKey,
    /// First line of every checkpoint.
    pub(crate) origin: String,
    pub(crate) rows: Rows,
}

impl Context {
    /// `SIGNET_KMS_ISSUER` is the ARN of the issuer's key. Where this function signs checkpoints, `SIGNET_KMS_LOG` is that
    /// of the log's key, `SIGNET_LOG_ORIGIN` the log's name and `SIGNET_TABLE` the table with its lock row.
    /// `SIGNET_ALIASES=none` says that the platform does not tell a function by which alias it was called, as an emulator's.
    /// KMS is not asked before the first request that needs it.
    pub fn from_environment(environment: &Environment) -> Result<Self, StartError> {
        let [issuer] = environment.require(["SIGNET_KMS_ISSUER"])?;
        Ok(Self {
            engine: RefCell::default(),
            key_service: KeyService::from_environment(environment)?,
            issuer: CustodyKey::at(issuer),
            log: LogCustody::from_environment(environment)?,
            has_aliases: environment.get("SIGNET_ALIASES") != Some("none"),
        })
    }

    /// The key of a role, where this function has one.
    pub(crate) fn key_of(&self, role: Role) -> Option<&CustodyKey> {
        match role {
            Role::Issuer => Some(&self.issuer),
            Role::Log => self.log.as_ref().map(|log| &log.key),
            Role::Root | Role::Session | Role::Agent | Role::Witness => None,
        }
    }

    pub(crate) fn log(&self) -> Option<&LogCustody> {
        self.log.as_ref()
    }

    /// Whether the caller may ask for a key of this role: each group of roles has an alias, and each alias a permission of
    /// its own. Whoever names no alias gets no key.
    pub(crate) fn serves(&self, role: Role, call: &Call) -> bool {
        let group = if role == Role::Log { "log" } else { "api" };
        !self.has_aliases || call.alias.as_deref() == Some(group)
    }
}

impl CustodyKey {
    fn at(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            public: OnceCell::new(),
        }
    }
}

impl LogCustody {
    fn from_environment(environment: &Environment) -> Result<Option<Self>, StartError> {
        let Some(arn) = environment.get("SIGNET_KMS_LOG") else {
            return Ok(None);
        };
        let [origin, table] = environment.require(["SIGNET_LOG_ORIGIN", "SIGNET_TABLE"])?;
        Ok(Some(Self {
            key: CustodyKey::at(arn),
            origin: origin.to_owned(),
            rows: Rows::from_environment(environment, table)?,
        }))
    }
}
