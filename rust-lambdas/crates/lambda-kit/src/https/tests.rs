use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one connection with these bytes and says what it read.
async fn server(
    answer: &'static [u8],
    stays_open: bool,
) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
    let handle = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        stream.write_all(answer).await.unwrap();
        if stays_open {
            std::future::pending::<()>().await;
        }
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (url, handle)
}

async fn post(url: &str) -> Result<Answer, PostError> {
    let client = HttpsClient::new(&Environment::default()).unwrap();
    let post = Post {
        url: url.parse().unwrap(),
        headers: vec![(
            HeaderName::from_static("x-own"),
            HeaderValue::from_static("1"),
        )],
        body: "body".into(),
        idle: Duration::from_millis(200),
        answer_bytes_max: 8,
    };
    client.post(post).await
}

#[tokio::test]
async fn sends_once_and_reads_the_whole_answer() {
    let (url, server) = server(
        b"HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n2\r\n  \r\n2\r\nno\r\n0\r\n\r\n",
        false,
    )
    .await;
    let answer = post(&url).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (404, &b"  no"[..]));
    let request = server.await.unwrap();
    assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("x-own: 1\r\n") && request.ends_with("body"),
        "{request}"
    );
}

#[tokio::test]
async fn refuses_an_answer_over_its_bound() {
    let (url, _server) = server(
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789",
        false,
    )
    .await;
    assert!(matches!(post(&url).await, Err(PostError::TooLarge(8))));
}

#[tokio::test]
async fn ends_a_silence_before_and_within_the_answer() {
    for start in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n12"] {
        let (url, server) = server(start, true).await;
        assert!(matches!(post(&url).await, Err(PostError::Silent(_))));
        server.abort();
    }
}

#[tokio::test]
async fn tells_a_lost_connection_from_one_that_never_was() {
    let (url, _server) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n12", false).await;
    assert!(matches!(post(&url).await, Err(PostError::Lost(_))));
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    assert!(matches!(
        post(&format!("http://{closed}/")).await,
        Err(PostError::NotConnected(_))
    ));
}

#[tokio::test]
async fn sends_nothing_in_the_clear_to_another_machine() {
    for url in [
        "http://198.51.100.7/",
        "http://localhost.example/",
        "ftp://127.0.0.1/",
        "/path",
    ] {
        assert!(matches!(post(url).await, Err(PostError::Insecure)), "{url}");
    }
}

#[test]
fn refuses_to_start_without_the_certificates_it_was_pointed_to() {
    for path in [
        "/nowhere.pem",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    ] {
        let refused = HttpsClient::new(&Environment::of([("AWS_CA_BUNDLE", path)])).unwrap_err();
        assert!(refused.to_string().contains("`AWS_CA_BUNDLE`"), "{refused}");
    }
}
