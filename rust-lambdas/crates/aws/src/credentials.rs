use std::fmt;

use lambda_kit::{Environment, StartError};

/// Of the function's role: Lambda sets them for the whole life of a process.
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
}

impl Credentials {
    pub(crate) fn from_environment(environment: &Environment) -> Result<Self, StartError> {
        let [access_key_id, secret_access_key] =
            environment.require(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])?;
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.to_owned(),
            session_token: environment.get("AWS_SESSION_TOKEN").map(str::to_owned),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials")
    }
}
