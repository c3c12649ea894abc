use std::collections::HashMap;
use std::path::PathBuf;

/// The variables of the process, read once; a map in tests.
#[derive(Debug, Clone, Default)]
pub struct Environment(HashMap<String, String>);

/// Why a Lambda does not start. Says which variable is at fault, never what it holds.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Not set, or empty.
    #[error("expected the environment variables {}, which are not set", names(.0))]
    Missing(Vec<&'static str>),
    /// Set to what cannot be meant.
    #[error("expected `{name}` to be {expected}")]
    Unusable {
        /// Of the variable.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// What the variables lead to cannot be used.
    #[error("{0}")]
    Unopened(String),
}

impl Environment {
    /// Of this process. Values that are not UTF-8 count as not set.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// Of these pairs.
    pub fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
        )
    }

    /// All of these or an error that names all that are missing.
    ///
    /// ```
    /// use lambda_kit::Environment;
    ///
    /// let environment = Environment::of([("AWS_REGION", "eu-central-1")]);
    /// let error = environment.require(["AWS_REGION", "SIGNET_KMS_ISSUER"]).unwrap_err();
    /// assert!(error.to_string().contains("`SIGNET_KMS_ISSUER`"));
    /// ```
    pub fn require<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[&str; N], StartError> {
        let missing: Vec<_> = names
            .into_iter()
            .filter(|name| self.get(name).is_none())
            .collect();
        if missing.is_empty() {
            Ok(names.map(|name| self.get(name).unwrap_or_default()))
        } else {
            Err(StartError::Missing(missing))
        }
    }

    /// Empty counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A path, or this one.
    pub fn path(&self, name: &str, otherwise: &str) -> PathBuf {
        self.get(name).unwrap_or(otherwise).into()
    }
}

fn names(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_everything_that_is_missing_and_takes_empty_as_missing() {
        let environment = Environment::of([("A", "1"), ("B", "")]);
        assert_eq!(environment.require(["A"]), Ok(["1"]));
        assert_eq!(
            environment.require(["A", "B", "C"]),
            Err(StartError::Missing(vec!["B", "C"]))
        );
        assert_eq!(environment.path("B", "/opt"), PathBuf::from("/opt"));
    }

    #[test]
    fn says_what_was_expected_and_not_what_came() {
        let error = StartError::Unusable {
            name: "AWS_ENDPOINT_URL",
            expected: "an HTTPS URL",
        };
        assert_eq!(
            error.to_string(),
            "expected `AWS_ENDPOINT_URL` to be an HTTPS URL"
        );
    }
}
