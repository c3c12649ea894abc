//! AWS's JSON protocols 1.0 and 1.1, the part that our calls use.

use std::time::SystemTime;

use lambda_kit::{Answer, Environment, HeaderName, HeaderValue, StartError, Uri};
use serde::Deserialize;

use crate::credentials::Credentials;
use crate::signature_v4::{Request, Scope, authorization};
use crate::time::basic_utc;

/// What tells one service from another on the wire.
#[derive(Debug)]
pub(crate) struct Service {
    /// Of its endpoints and of the scope of a signature.
    pub(crate) name: &'static str,
    /// Names an endpoint of its own.
    pub(crate) endpoint_variable: &'static str,
    /// Before the name of a call.
    pub(crate) target: &'static str,
    pub(crate) content_type: &'static str,
}

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: Uri,
    region: String,
    host: String,
}

impl Endpoint {
    pub(crate) fn from_environment(
        environment: &Environment,
        service: &Service,
    ) -> Result<Self, StartError> {
        let [region] = environment.require(["AWS_REGION"])?;
        let own = [service.endpoint_variable, "AWS_ENDPOINT_URL"]
            .into_iter()
            .find_map(|name| Some((name, environment.get(name)?)));
        let (name, text) = match own {
            Some((name, url)) => (name, url.to_owned()),
            None => (
                "AWS_REGION",
                format!("https://{}.{region}.{}/", service.name, suffix(region)),
            ),
        };
        let unusable = StartError::Unusable {
            name,
            expected: if own.is_some() {
                "a URL without a query"
            } else {
                "the name of a region"
            },
        };
        let Ok(url) = text.parse::<Uri>() else {
            return Err(unusable);
        };
        let (Some(authority), None) = (url.authority(), url.query()) else {
            return Err(unusable);
        };
        Ok(Self {
            host: authority.to_string(),
            region: region.to_owned(),
            url,
        })
    }

    /// All headers of one call, signed for this moment.
    pub(crate) fn headers(
        &self,
        service: &Service,
        call: &str,
        body: &[u8],
        credentials: &Credentials,
        now: SystemTime,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let moment = basic_utc(now);
        let target = format!("{}.{call}", service.target);
        let mut headers = vec![
            ("content-type", service.content_type),
            ("host", self.host.as_str()),
            ("x-amz-date", moment.as_str()),
        ];
        if let Some(token) = &credentials.session_token {
            headers.push(("x-amz-security-token", token));
        }
        headers.push(("x-amz-target", target.as_str()));
        let request = Request {
            path: self.url.path(),
            headers: &headers,
            body,
        };
        let scope = Scope {
            moment: &moment,
            region: &self.region,
            service: service.name,
        };
        let authorization = authorization(
            &request,
            &scope,
            &credentials.access_key_id,
            &credentials.secret_access_key,
        );
        headers.push(("authorization", &authorization));
        headers
            .into_iter()
            .filter_map(|(name, value)| {
                let mut value = HeaderValue::from_str(value).ok()?;
                value.set_sensitive(true);
                Some((HeaderName::from_static(name), value))
            })
            .collect()
    }
}

/// Of the partition that a region belongs to.
fn suffix(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        Some("eusc") => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

/// AWS's name of an error, such as `ThrottlingException`; never its message, which may quote the request.
pub(crate) fn error_name(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "__type")]
        kind: String,
    }
    let header = answer
        .headers
        .get("x-amzn-errortype")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let name = header
        .or_else(|| Some(serde_json::from_slice::<Body>(&answer.body).ok()?.kind))
        .unwrap_or_default();
    // `com.amazonaws.kms#NotFoundException:http://…`
    let name = name.rsplit('#').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        name.to_owned()
    } else {
        format!("status {}", answer.status)
    }
}

/// May the same call succeed in a moment?
pub(crate) fn passes(status: u16, name: &str) -> bool {
    status == 429
        || status >= 500
        || matches!(
            name,
            "ThrottlingException"
                | "Throttling"
                | "TooManyRequestsException"
                | "RequestLimitExceeded"
                | "LimitExceededException"
                | "DependencyTimeoutException"
                | "KeyUnavailableException"
                | "KMSInternalException"
                | "InternalServerError"
                | "ProvisionedThroughputExceededException"
                | "RequestExpired"
        )
}
