//! An orchestrator of a few lines: HTTP on this machine, answers by a closure, everything that came is kept.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// What it does with a request.
pub enum Act {
    /// Status and body.
    Answer(u16, String),
    /// White space at these moments, then the body: an orchestrator that is at work.
    Slowly(u32, Duration, String),
    /// White space, then nothing more, and the connection stays.
    FallSilent,
    /// The connection is closed without an answer.
    HangUp,
    /// A part of an answer, then the connection is closed.
    CutOff,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Received {
    pub head: String,
    pub body: Value,
    pub text: String,
}

impl Received {
    pub fn kind(&self) -> &str {
        self.body["kind"].as_str().unwrap_or_default()
    }
}

pub struct Server {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// `decide` gets the request and how many of its kind came before it.
    pub fn start(decide: impl Fn(&Received, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, decide) = (Arc::clone(&received), Arc::new(decide));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, decide) = (Arc::clone(&kept), Arc::clone(&decide));
                thread::spawn(move || serve(stream, &kept, &*decide));
            }
        });
        Self { url, received }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }

    pub fn of_kind(&self, kind: &str) -> Vec<Received> {
        self.received()
            .into_iter()
            .filter(|one| one.kind() == kind)
            .collect()
    }
}

fn serve(
    stream: TcpStream,
    kept: &Mutex<Vec<Received>>,
    decide: &(dyn Fn(&Received, usize) -> Act + Send + Sync),
) {
    let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
    while let Some(request) = read(&mut reader) {
        let before = {
            let mut kept = kept.lock().expect("not poisoned");
            let before = kept
                .iter()
                .filter(|one| one.kind() == request.kind())
                .count();
            kept.push(request.clone());
            before
        };
        let act = decide(&request, before);
        if answer(&stream, act).is_none() {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Received> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).ok()?;
    let body = serde_json::from_str(&text).ok()?;
    Some(Received { head, body, text })
}

/// `None`: the connection ends.
fn answer(mut stream: &TcpStream, act: Act) -> Option<()> {
    match act {
        Act::Answer(204, _) => write!(stream, "HTTP/1.1 204 No Content\r\n\r\n").ok(),
        Act::Answer(status, body) => write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok(),
        Act::Slowly(beats, pause, body) => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            .ok()?;
            for _ in 0..beats {
                write!(stream, "1\r\n \r\n").ok()?;
                thread::sleep(pause);
            }
            write!(stream, "{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).ok()
        }
        Act::FallSilent => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n \r\n"
            )
            .ok()?;
            thread::sleep(Duration::from_secs(60));
            None
        }
        Act::HangUp => None,
        Act::CutOff => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{{\"kind\":"
            )
            .ok()?;
            None
        }
    }
}
