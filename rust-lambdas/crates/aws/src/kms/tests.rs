use super::*;
use std::time::Duration;

use crate::fake_service::FakeService;
use crate::wire;

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1";
const THROTTLED: &str = r#"{"__type":"ThrottlingException","message":"secret"}"#;
const SIGNED: &str = r#"{"KeyId":"k","Signature":"c2ln","SigningAlgorithm":"ED25519_SHA_512"}"#;

/// KMS that gives these answers.
struct FakeKms {
    service: KeyService,
    fake: FakeService,
}

impl FakeKms {
    async fn answering(answers: &[(u16, &str)]) -> Self {
        let fake = FakeService::answering(answers).await;
        let service = KeyService::from_environment(&fake.environment()).unwrap();
        Self { service, fake }
    }

    async fn sign(&self, within: Duration) -> Result<Vec<u8>, AwsError> {
        self.service
            .sign(KEY, b"message", Instant::now() + within)
            .await
    }

    fn asked(&self) -> Vec<String> {
        self.fake.asked()
    }
}

const SECONDS: Duration = Duration::from_secs(20);

#[tokio::test]
async fn asks_for_a_raw_ed25519_signature() {
    let kms = FakeKms::answering(&[(200, SIGNED)]).await;
    assert_eq!(kms.sign(SECONDS).await.unwrap(), b"sig");
    let [request] = kms.asked().try_into().unwrap();
    for part in [
        "x-amz-target: TrentService.Sign\r\n",
        "content-type: application/x-amz-json-1.1\r\n",
        "x-amz-security-token: token\r\n",
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=",
        r#""MessageType":"RAW""#,
        r#""SigningAlgorithm":"ED25519_SHA_512""#,
        r#""Message":"bWVzc2FnZQ==""#,
    ] {
        assert!(request.contains(part), "{part} in {request}");
    }
}

#[tokio::test]
async fn repeats_what_may_pass() {
    let kms = FakeKms::answering(&[
        (400, THROTTLED),
        (
            500,
            r#"{"__type":"com.amazonaws.kms#KMSInternalException"}"#,
        ),
        (0, ""),
        (200, SIGNED),
    ])
    .await;
    assert_eq!(kms.sign(SECONDS).await.unwrap(), b"sig");
    assert_eq!(kms.asked().len(), 4);
}

#[tokio::test]
async fn gives_up_before_the_deadline_and_names_the_last_reason() {
    let kms = FakeKms::answering(&[(400, THROTTLED)]).await;
    let error = kms.sign(Duration::from_millis(300)).await.unwrap_err();
    assert!(
        matches!(error, AwsError::Unavailable { call: "Sign", .. }),
        "{error}"
    );
    assert!(error.to_string().contains("ThrottlingException"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn does_not_repeat_a_refusal() {
    let kms = FakeKms::answering(&[(400, r#"{"__type":"AccessDeniedException"}"#)]).await;
    let error = kms.sign(SECONDS).await.unwrap_err();
    assert!(matches!(error, AwsError::Refused { .. }), "{error}");
    assert_eq!(kms.asked().len(), 1);
}

#[tokio::test]
async fn refuses_answers_of_another_form_and_long_messages() {
    let kms = FakeKms::answering(&[(200, "{}")]).await;
    assert!(matches!(
        kms.sign(SECONDS).await,
        Err(AwsError::Unexpected { .. })
    ));
    let kms = FakeKms::answering(&[(200, r#"{"Signature":"?"}"#)]).await;
    assert!(matches!(
        kms.sign(SECONDS).await,
        Err(AwsError::Unexpected { .. })
    ));
    let long = [0; MESSAGE_BYTES_MAX + 1];
    let refused = kms.service.sign(KEY, &long, Instant::now() + SECONDS).await;
    assert!(matches!(refused, Err(AwsError::Unexpected { .. })));
}

#[tokio::test]
async fn takes_only_an_ed25519_key_for_signatures() {
    let of = |spec: &str, usage: &str, der: &[u8]| {
        json!({ "KeySpec": spec, "KeyUsage": usage, "PublicKey": STANDARD.encode(der) }).to_string()
    };
    // RFC 8032, section 7.1, test 1.
    let public = multikey_bytes("z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw");
    let der = [&SPKI[..], &public].concat();
    let kms = FakeKms::answering(&[(200, &of("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", &der))]).await;
    let key = kms
        .service
        .public_key(KEY, Instant::now() + SECONDS)
        .await
        .unwrap();
    assert_eq!(key.as_bytes(), &public);
    for answer in [
        of("ECC_NIST_P256", "SIGN_VERIFY", &der),
        of("ECC_NIST_EDWARDS25519", "KEY_AGREEMENT", &der),
        of("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", &der[1..]),
        of(
            "ECC_NIST_EDWARDS25519",
            "SIGN_VERIFY",
            &[&SPKI[..], &[0; 32]].concat(),
        ),
    ] {
        let kms = FakeKms::answering(&[(200, &answer)]).await;
        let refused = kms.service.public_key(KEY, Instant::now() + SECONDS).await;
        assert!(
            matches!(refused, Err(AwsError::Unexpected { .. })),
            "{answer}"
        );
    }
}

fn multikey_bytes(key_id: &str) -> [u8; 32] {
    signing::multikey::decode(key_id).unwrap()
}

#[test]
fn names_what_is_missing_and_what_cannot_be_used() {
    let whole = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
    ];
    let service = KeyService::from_environment(&Environment::of(whole)).unwrap();
    assert_eq!(
        service.0.endpoint.url,
        "https://kms.eu-central-1.amazonaws.com/"
    );
    let refusal = |pairs: [(&str, &str); 4]| {
        let refused = KeyService::from_environment(&Environment::of(pairs));
        refused.unwrap_err().to_string()
    };
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let [a, b, c] = whole;
        assert!(refusal([a, b, c, (name, "")]).contains(name));
    }
    let [a, b, c] = whole;
    for url in ["/no-host", "http://a b", "http://a/?q"] {
        assert!(refusal([a, b, c, ("AWS_ENDPOINT_URL_KMS", url)]).contains("AWS_ENDPOINT_URL_KMS"));
    }
    assert!(refusal([("AWS_REGION", "a b"), b, c, ("X", "")]).contains("AWS_REGION"));
    assert_eq!(
        wire::Endpoint::from_environment(
            &Environment::of([("AWS_REGION", "cn-north-1")]),
            &SERVICE
        )
        .unwrap()
        .url,
        "https://kms.cn-north-1.amazonaws.com.cn/"
    );
}

#[test]
fn reads_names_of_errors_and_nothing_else() {
    let name = |body: &str, header: Option<&str>| {
        let mut answer = lambda_kit::Answer {
            status: 400,
            headers: Default::default(),
            body: body.as_bytes().to_vec(),
        };
        if let Some(header) = header {
            answer
                .headers
                .insert("x-amzn-errortype", header.parse().unwrap());
        }
        wire::error_name(&answer)
    };
    assert_eq!(
        name(r#"{"__type":"a.b#NotFoundException"}"#, None),
        "NotFoundException"
    );
    assert_eq!(
        name("{}", Some("DisabledException:http://x/")),
        "DisabledException"
    );
    assert_eq!(
        name(r#"{"__type":"what the request said"}"#, None),
        "status 400"
    );
    assert_eq!(name("<html>", None), "status 400");
}
