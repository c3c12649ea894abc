//! Expected values by another implementation, `@smithy/signature-v4` 5.6.

use super::*;

fn signed(path: &str, token: Option<&str>, body: &str) -> String {
    let mut headers = vec![
        ("content-type", "application/x-amz-json-1.1"),
        ("host", "kms.eu-central-1.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
    ];
    headers.extend(token.map(|token| ("x-amz-security-token", token)));
    headers.push(("x-amz-target", "TrentService.GetPublicKey"));
    let request = Request {
        path,
        headers: &headers,
        body: body.as_bytes(),
    };
    let scope = Scope {
        moment: "20150830T123600Z",
        region: "eu-central-1",
        service: "kms",
    };
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    authorization(&request, &scope, "AKIDEXAMPLE", secret)
}

#[test]
fn signs_as_the_other_implementation_does() {
    assert_eq!(
        signed("/", None, r#"{"KeyId":"alias/x"}"#),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/kms/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
         Signature=765026d6e4661f77526821833fce466c618b10d657e33fb706e482bbf1928373"
    );
    let with_token = signed("/", Some("a/token+with="), r#"{"KeyId":"é"}"#);
    assert!(
        with_token.ends_with("a650de61ed8e01cf7e794d07e48a6464ffbfadb1211542101a56570d4400aa53"),
        "{with_token}"
    );
    let with_path = signed("/base/kms/", None, "");
    assert!(
        with_path.ends_with("2c6eb8da3ec80b7eabc293132117fa9468d1c4f154eab114b67d39c581553e81"),
        "{with_path}"
    );
}
