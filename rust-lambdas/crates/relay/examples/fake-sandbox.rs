//! Stands in for `signet-sandbox` in the relay's tests: `fake-sandbox <scenario> <anything>`. It speaks frames as the real
//! one does, and in most scenarios lies.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let scenario = std::env::args().nth(1).unwrap_or_default();
    let name = std::path::Path::new(&scenario)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
        .to_owned();
    if name == "no-greeting" {
        return Ok(());
    }
    if name == "wrong-protocol" {
        return say(&json!({"kind": "hello", "protocol": 2}), b"");
    }
    say(
        &json!({"kind": "hello", "protocol": 1, "environment": std::env::vars_os().count(), "pid": std::process::id()}),
        b"",
    )?;
    while let Some((header, script)) = hear()? {
        if header["kind"] == "start" {
            act(&name, &Run { header, script })?;
        }
    }
    Ok(())
}

struct Run {
    header: Value,
    script: Vec<u8>,
}

impl Run {
    fn id(&self) -> &str {
        self.header["run_id"].as_str().unwrap_or_default()
    }

    fn call(&self, seq: u64, method: &str, args: &[u8]) -> io::Result<()> {
        let token = &self.header["token"];
        say(
            &json!({"kind": "call", "run_id": self.id(), "token": token, "seq": seq, "method": method}),
            args,
        )
    }

    fn print(&self, text: &str) -> io::Result<()> {
        say(
            &json!({"kind": "stdout", "run_id": self.id()}),
            text.as_bytes(),
        )
    }

    /// `result` is JSON.
    fn complete(&self, state: &str, result: &str) -> io::Result<()> {
        let header = json!({
            "kind": "completion", "run_id": self.id(), "state": state, "exit_code": if state == "succeeded" { 0 } else { 130 },
            "result_type": "dict", "stdout_truncated": false, "stderr_truncated": false,
            "usage": {"wall_ms": 1.5, "cpu_ms": 1, "memory_bytes": 1, "host_calls": 0, "stdout_bytes": 2, "stderr_bytes": 0},
            "timings": {"instantiate_ms": 0.5, "run_ms": 1}, "image": "ab", "parts": [result.len(), 2, 0],
        });
        say(&header, format!("{result}hi").as_bytes())
    }
}

fn act(scenario: &str, run: &Run) -> io::Result<()> {
    match scenario {
        // What it got, so that a test can see that no token and no tenant is among it.
        "echo" => {
            let seen = json!({"header": run.header, "script": String::from_utf8_lossy(&run.script), "pid": std::process::id()});
            run.complete("succeeded", &seen.to_string())
        }
        "call" => {
            run.print("before")?;
            run.call(1, "llm.chat", br#"{"b":1,"a":0.1000000000000000055}"#)?;
            let (_, reply) = hear()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            run.print("after")?;
            run.complete("succeeded", &String::from_utf8_lossy(&reply))
        }
        "call-until-cancelled" => {
            run.call(1, "llm.chat", b"{}")?;
            loop {
                let (header, _) = hear()?.ok_or(io::ErrorKind::UnexpectedEof)?;
                if header["kind"] == "cancel" {
                    return run.complete("cancelled", "null");
                }
            }
        }
        "prints-much" => {
            let line = "x".repeat(15_999);
            for _ in 0..65 {
                run.print(&format!("{line}\n"))?;
            }
            run.complete("succeeded", "null")
        }
        "prints-for-ever" => loop {
            run.print(&"x".repeat(65_536))?;
        },
        "dies" => std::process::exit(1),
        "dies-in-a-call" => {
            run.call(1, "llm.chat", b"{}")?;
            hear()?;
            std::process::exit(1)
        }
        "ignores-everything" => loop {
            std::thread::sleep(Duration::from_secs(60));
        },
        "other-run" => say(&json!({"kind": "stdout", "run_id": "run_other"}), b"x"),
        "other-token" => say(
            &json!({"kind": "call", "run_id": run.id(), "token": "stolen", "seq": 1, "method": "m"}),
            b"{}",
        ),
        "skips-a-call" => run.call(2, "m", b"{}"),
        "two-calls-at-once" => {
            run.call(1, "m", b"{}")?;
            run.call(2, "m", b"{}")
        }
        "chooses-a-url" => {
            let token = &run.header["token"];
            let header = json!({"kind": "call", "run_id": run.id(), "token": token, "seq": 1, "method": "m", "url": "https://example.org", "headers": {"host": "example.org"}});
            say(&header, b"{}")
        }
        "arguments-that-leave-the-body" => run.call(1, "m", br#"{},"kind":"completion""#),
        "method-of-a-megabyte" => run.call(1, &"m".repeat(60_000), b"{}"),
        "frame-of-gigabytes" => {
            io::stdout().write_all(&[255; 8])?;
            io::stdout().flush()
        }
        "not-a-frame" => {
            io::stdout().write_all(b"Traceback (most recent call last):\n")?;
            io::stdout().flush()
        }
        "greets-twice" => say(&json!({"kind": "hello", "protocol": 1}), b""),
        "completion-that-does-not-add-up" => {
            let mut header = json!({
                "kind": "completion", "run_id": run.id(), "state": "succeeded", "exit_code": 0, "result_type": "int",
                "stdout_truncated": false, "stderr_truncated": false,
                "usage": {"wall_ms": 1, "cpu_ms": 1, "memory_bytes": 1, "host_calls": 0, "stdout_bytes": 0, "stderr_bytes": 0},
                "timings": {"instantiate_ms": 0, "run_ms": 1}, "image": "ab",
            });
            header["parts"] = json!([4, 100, 0]);
            say(&header, b"null")
        }
        unknown => Err(io::Error::other(format!("no scenario `{unknown}`"))),
    }
}

fn say(header: &Value, binary: &[u8]) -> io::Result<()> {
    let header = header.to_string();
    let length = |bytes: &[u8]| {
        u32::try_from(bytes.len())
            .map(u32::to_le_bytes)
            .map_err(io::Error::other)
    };
    let mut pipe = io::stdout().lock();
    pipe.write_all(&length(header.as_bytes())?)?;
    pipe.write_all(&length(binary)?)?;
    pipe.write_all(header.as_bytes())?;
    pipe.write_all(binary)?;
    pipe.flush()
}

fn hear() -> io::Result<Option<(Value, Vec<u8>)>> {
    let mut pipe = io::stdin().lock();
    let mut lengths = [0; 8];
    if pipe.read(&mut lengths[..1])? == 0 {
        return Ok(None);
    }
    pipe.read_exact(&mut lengths[1..])?;
    let [h0, h1, h2, h3, b0, b1, b2, b3] = lengths;
    let mut header = vec![0; u32::from_le_bytes([h0, h1, h2, h3]) as usize];
    let mut binary = vec![0; u32::from_le_bytes([b0, b1, b2, b3]) as usize];
    pipe.read_exact(&mut header)?;
    pipe.read_exact(&mut binary)?;
    Ok(Some((serde_json::from_slice(&header)?, binary)))
}
