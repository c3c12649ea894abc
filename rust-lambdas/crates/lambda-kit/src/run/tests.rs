use super::*;
use lambda_runtime::Context;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

impl From<InvalidRequest> for Refused {
    fn from(invalid: InvalidRequest) -> Self {
        Self(invalid.0)
    }
}

impl Failure for Refused {
    fn name(&self) -> &'static str {
        "Refused"
    }
}

#[derive(Deserialize)]
struct Request {
    n: u32,
}

async fn half(_: &(), request: Request, _: &Call) -> Result<u32, Refused> {
    assert!(request.n != 13, "thirteen");
    if request.n.is_multiple_of(2) {
        Ok(request.n / 2)
    } else {
        Err(Refused("expected an even number".to_owned()))
    }
}

async fn answer_to(payload: Value) -> Result<u32, Diagnostic> {
    let request = serde_json::from_value(payload).expect("never fails here");
    answer(&(), &half, LambdaEvent::new(request, Context::default())).await
}

#[tokio::test]
async fn gives_what_the_handler_gives() {
    assert_eq!(answer_to(json!({ "n": 8 })).await, Ok(4));
}

#[tokio::test]
async fn names_failures_invalid_requests_and_panics() {
    let type_of = async |payload| answer_to(payload).await.unwrap_err().error_type;
    assert_eq!(type_of(json!({ "n": 7 })).await, "Refused");
    assert_eq!(type_of(json!({ "n": "x" })).await, "Refused");
    assert_eq!(type_of(json!({ "n": 13 })).await, "Panic");
}

#[test]
fn reports_why_it_does_not_start() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime_api = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let mut length = 0;
        while !request[..length].ends_with(b"}") {
            length += stream.read(&mut request[length..]).unwrap();
        }
        stream
            .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let environment = Environment::of([("AWS_LAMBDA_RUNTIME_API", &runtime_api)]);
    refuse_start(&environment, &StartError::Missing(vec!["AWS_REGION"]));
    let request = server.join().unwrap();
    assert!(
        request.starts_with("POST /2018-06-01/runtime/init/error "),
        "{request}"
    );
    assert!(request.contains("`AWS_REGION`"), "{request}");
}
