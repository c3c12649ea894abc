//! AWS Signature Version 4 for a `POST` without a query: canonical request, text to sign, key of the day.

use ring::hmac::{HMAC_SHA256, Key, Tag, sign};
use sha2::{Digest, Sha256};

/// What is signed beside the body.
pub(crate) struct Request<'r> {
    pub(crate) path: &'r str,
    /// Lower-case names in ascending order; `host` and `x-amz-date` among them.
    pub(crate) headers: &'r [(&'static str, &'r str)],
    pub(crate) body: &'r [u8],
}

/// Where and when a signature holds.
pub(crate) struct Scope<'s> {
    /// `20150830T123600Z`
    pub(crate) moment: &'s str,
    pub(crate) region: &'s str,
    pub(crate) service: &'s str,
}

/// The value of the header `authorization`.
pub(crate) fn authorization(
    request: &Request<'_>,
    scope: &Scope<'_>,
    access_key_id: &str,
    secret_access_key: &str,
) -> String {
    let Scope {
        moment,
        region,
        service,
    } = scope;
    let day = &moment[..8];
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let signed_headers = request
        .headers
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(";");
    let canonical = canonical(request, &signed_headers);
    let text = format!(
        "AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );

    let mut key = format!("AWS4{secret_access_key}").into_bytes();
    for part in [day, region, service, "aws4_request"] {
        key = keyed(&key, part).as_ref().to_vec();
    }
    let signature = hex(keyed(&key, &text).as_ref());
    format!(
        "AWS4-HMAC-SHA256 Credential={access_key_id}/{scope}, SignedHeaders={signed_headers}, Signature={signature}"
    )
}

fn canonical(request: &Request<'_>, signed_headers: &str) -> String {
    let mut text = format!("POST\n{}\n\n", request.path);
    for (name, value) in request.headers {
        text.push_str(name);
        text.push(':');
        text.push_str(value.trim());
        text.push('\n');
    }
    text.push_str(&format!(
        "\n{signed_headers}\n{}",
        hex(&Sha256::digest(request.body))
    ));
    text
}

fn keyed(key: &[u8], text: &str) -> Tag {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
