use lambda_kit::{Environment, StartError};

/// The bounds of one request, as `shared/limits.json` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    pub(crate) dimension_max: usize,
    pub(crate) k_max: usize,
    pub(crate) rows_max: usize,
}

impl Context {
    /// Needs nothing: rows come with the request.
    pub fn from_environment(_: &Environment) -> Result<Self, StartError> {
        Ok(Self {
            dimension_max: 4096,
            k_max: 10_000,
            rows_max: 1_000_000,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_limits_of_the_shared_file() {
        let limits: serde_json::Value =
            serde_json::from_str(include_str!("../../../../shared/limits.json")).unwrap();
        let context = Context::from_environment(&Environment::default()).unwrap();
        let vectors = &limits["vectors"];
        assert_eq!(vectors["dimension_max"], context.dimension_max);
        assert_eq!(vectors["k_max"], context.k_max);
        assert_eq!(vectors["exact_rows_max"], context.rows_max);
    }
}
