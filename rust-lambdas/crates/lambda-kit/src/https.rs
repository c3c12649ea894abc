//! HTTPS for the few calls that a Lambda makes itself. One client over hyper and rustls for all of them: decision 0065
//! compares it with the AWS SDK.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
pub use hyper::Uri;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
pub use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;

use crate::{Environment, StartError};

/// Connections are kept and used again.
#[derive(Debug, Clone)]
pub struct HttpsClient(Client<HttpsConnector<HttpConnector>, Full<bytes::Bytes>>);

/// One `POST`.
#[derive(Debug, Clone)]
pub struct Post {
    /// `https`, or `http` to this machine: what is sent carries credentials.
    pub url: Uri,
    /// Beside `host` and `content-length`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Sent whole.
    pub body: bytes::Bytes,
    /// The longest silence, before the answer and within it.
    pub idle: Duration,
    /// Of the answer.
    pub answer_bytes_max: usize,
}

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// 100 to 599.
    pub status: u16,
    /// As they came.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer. Whether the other side acted is only known for the first two.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Nothing was sent.
    #[error("expected an HTTPS URL, or HTTP on this machine")]
    Insecure,
    /// No connection, or no trust in the other side; nothing was sent.
    #[error("no connection could be made")]
    NotConnected(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke.
    #[error("the connection was lost")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nothing came for as long as the call allows.
    #[error("the other side was silent for {0:?}")]
    Silent(Duration),
    /// The rest was not read.
    #[error("the answer is over {0} bytes")]
    TooLarge(usize),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A Lambda sleeps between invocations, and what it slept through is not worth trying.
const KEPT_FOR: Duration = Duration::from_secs(15);

impl HttpsClient {
    /// Trusts Mozilla's authorities, which are compiled in: no file of the image is needed, and none is read at a cold
    /// start. `AWS_CA_BUNDLE` or `SSL_CERT_FILE`, where set, are trusted instead.
    pub fn new(environment: &Environment) -> Result<Self, StartError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(environment)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT_FOR)
            .build(connector);
        Ok(Self(client))
    }

    /// Sends once. Repeating is up to the caller, who knows what a second time would mean.
    pub async fn post(&self, post: Post) -> Result<Answer, PostError> {
        let Post {
            url,
            headers,
            body,
            idle,
            answer_bytes_max,
        } = post;
        if !is_safe(&url) {
            return Err(PostError::Insecure);
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = url;
        request.headers_mut().extend(headers);
        let response = timeout(idle, self.0.request(request))
            .await
            .map_err(|_| PostError::Silent(idle))?
            .map_err(|error| {
                if error.is_connect() {
                    PostError::NotConnected(error.into())
                } else {
                    PostError::Lost(error.into())
                }
            })?;
        read(response, idle, answer_bytes_max).await
    }
}

async fn read(
    response: Response<Incoming>,
    idle: Duration,
    answer_bytes_max: usize,
) -> Result<Answer, PostError> {
    let (head, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(frame) = timeout(idle, stream.frame())
        .await
        .map_err(|_| PostError::Silent(idle))?
    {
        let frame = frame.map_err(|error| PostError::Lost(error.into()))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if body.len() + piece.len() > answer_bytes_max {
            return Err(PostError::TooLarge(answer_bytes_max));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    })
}

fn is_safe(url: &Uri) -> bool {
    match url.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(url.host(), Some("127.0.0.1" | "localhost" | "[::1]")),
        _ => false,
    }
}

fn tls(environment: &Environment) -> Result<ClientConfig, StartError> {
    let mut roots = RootCertStore::empty();
    let own = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"]
        .into_iter()
        .find_map(|name| Some((name, environment.get(name)?)));
    if let Some((name, path)) = own {
        let unusable = StartError::Unusable {
            name,
            expected: "a file of PEM certificates",
        };
        let Ok(certificates) = CertificateDer::pem_file_iter(path) else {
            return Err(unusable);
        };
        let (added, _) = roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        if added == 0 {
            return Err(unusable);
        }
    } else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests;
