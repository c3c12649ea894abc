//! The executable with the real image, frame by frame. The adapter's tests run scripts by the hundred; these hold what
//! only this side sees: forged input, several runs on one thread, walls, and the end of the pipe.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Process {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Process {
    fn start(image: &Path, sha256: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_signet-sandbox"))
            .args([image.as_os_str(), sha256.as_ref()])
            .env("SECRET", "in the environment")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the executable starts");
        let (input, output) = (
            child.stdin.take().expect("piped"),
            child.stdout.take().expect("piped"),
        );
        Self {
            child,
            input,
            output,
        }
    }

    fn send(&mut self, header: &Value, binary: &[u8]) {
        let text = header.to_string();
        let mut frame = Vec::new();
        frame.extend_from_slice(&u32::try_from(text.len()).expect("short").to_le_bytes());
        frame.extend_from_slice(&u32::try_from(binary.len()).expect("short").to_le_bytes());
        frame.extend_from_slice(text.as_bytes());
        frame.extend_from_slice(binary);
        self.input.write_all(&frame).expect("the process reads");
    }

    fn receive(&mut self) -> (Value, Vec<u8>) {
        let mut lengths = [0; 8];
        self.output
            .read_exact(&mut lengths)
            .expect("the process writes");
        let length =
            |at: usize| u32::from_le_bytes(lengths[at..at + 4].try_into().expect("four")) as usize;
        let mut header = vec![0; length(0)];
        let mut binary = vec![0; length(4)];
        self.output.read_exact(&mut header).expect("a header");
        self.output.read_exact(&mut binary).expect("a binary part");
        (serde_json::from_slice(&header).expect("JSON"), binary)
    }

    fn start_run(&mut self, run_id: &str, script: &str, wall_ms: u64) {
        let start = json!({
            "kind": "start", "run_id": run_id, "token": format!("token of {run_id}"), "file_name": "script.py",
            "argv": [], "input": null, "seed": "7", "clock_base_ms": 0, "dry_run": false,
            "limits": {
                "wall_ms": wall_ms, "cpu_ms": 10_000, "memory_mb": 128,
                "output_bytes": 8192, "host_calls": 100, "script_tool_ms": 5000,
            },
        });
        self.send(&start, script.as_bytes());
    }

    /// Completions of all runs by id, answering each call with its own arguments.
    fn completions(&mut self, count: usize) -> HashMap<String, (Value, Vec<u8>)> {
        let mut ended = HashMap::new();
        while ended.len() < count {
            let (header, binary) = self.receive();
            let run_id = header["run_id"].as_str().expect("a run").to_owned();
            match header["kind"].as_str() {
                Some("call") => {
                    assert_eq!(header["token"], format!("token of {run_id}"));
                    let arguments: Value = serde_json::from_slice(&binary).expect("JSON");
                    let reply = json!({ "kind": "value", "value": arguments }).to_string();
                    let header = json!({ "kind": "reply", "run_id": run_id, "seq": header["seq"] });
                    self.send(&header, reply.as_bytes());
                }
                Some("completion") => {
                    ended.insert(run_id, (header, binary));
                }
                _ => {}
            }
        }
        ended
    }

    /// Exit code and standard error once the process has ended.
    fn end(self) -> (Option<i32>, String) {
        drop(self.input);
        let output = self.child.wait_with_output().expect("it ends");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }
}

/// The image as `npm test` builds it; without it these tests cannot run, and say so.
fn image() -> Option<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../.signet-build/script-image");
    let Ok(text) = std::fs::read_to_string(folder.join("manifest.json")) else {
        eprintln!(
            "skipped: the script image is not built (node scripts/build-artefacts.mjs script-image)"
        );
        return None;
    };
    let manifest: Value = serde_json::from_str(&text).expect("a manifest");
    let sha256 = manifest["files"]["script-image.cwasm"]["sha256"]
        .as_str()
        .expect("a digest")
        .to_owned();
    Some((
        folder
            .join(manifest["folder"].as_str().expect("a folder"))
            .join("script-image.cwasm"),
        sha256,
    ))
}

fn greeted() -> Option<Process> {
    let (path, sha256) = image()?;
    let mut process = Process::start(&path, &sha256);
    let (hello, _) = process.receive();
    assert_eq!(hello["kind"], "hello");
    assert_eq!(hello["image"], sha256.as_str());
    Some(process)
}

#[test]
fn forgets_its_environment_and_tells_its_walls() {
    let Some((path, sha256)) = image() else {
        return;
    };
    let mut process = Process::start(&path, &sha256);
    let (hello, _) = process.receive();
    assert_eq!(hello["walls"]["environment"], true);
    assert_eq!(hello["walls"]["resource_limits"], true);
    let environment =
        std::fs::read(format!("/proc/{}/environ", process.child.id())).unwrap_or_default();
    assert_eq!(environment, b"");
    assert_eq!(process.end().0, Some(0));
}

#[test]
fn runs_side_by_side_and_leaves_nothing_behind() {
    let Some(mut process) = greeted() else { return };
    let script = "import builtins, json, wit_world\nassert not hasattr(builtins, 'seen')\nbuiltins.seen = 1\n\
                  [json.loads(wit_world.call('echo', json.dumps({'n': n})))['value']['n'] for n in range(20)]";
    for n in 0..8 {
        process.start_run(&format!("run-{n}"), script, 20_000);
    }
    process.start_run("spin", "while True: pass", 300);
    let ended = process.completions(9);
    let expected = serde_json::to_vec(&(0..20).collect::<Vec<_>>()).expect("JSON");
    for n in 0..8 {
        let (header, binary) = &ended[&format!("run-{n}")];
        assert_eq!(
            (&header["state"], &header["usage"]["host_calls"]),
            (&json!("succeeded"), &json!(20))
        );
        assert_eq!(binary, &expected);
    }
    assert_eq!(ended["spin"].0["state"], "timed_out");
    assert_eq!(process.end().0, Some(0));
}

#[test]
fn a_forged_call_ends_its_run_and_no_other() {
    let Some(mut process) = greeted() else { return };
    process.start_run(
        "forger",
        "import wit_world\nwit_world.call('a.b', '{\"x\":1,\"x\":2}')",
        5_000,
    );
    process.start_run("honest", "40 + 2", 5_000);
    let ended = process.completions(2);
    assert_eq!(ended["forger"].0["exit_code"], 4);
    assert_eq!(ended["honest"].1, b"42");
    assert_eq!(process.end().0, Some(0));
}

#[test]
fn a_cancelled_run_and_a_late_reply_harm_nothing() {
    let Some(mut process) = greeted() else { return };
    process.start_run(
        "waiting",
        "import wit_world\nwit_world.call('a.b', '{}')",
        20_000,
    );
    let (call, _) = process.receive();
    assert_eq!(call["kind"], "call");
    process.send(&json!({ "kind": "cancel", "run_id": "waiting" }), b"");
    assert_eq!(process.completions(1)["waiting"].0["exit_code"], 130);
    process.send(
        &json!({ "kind": "reply", "run_id": "waiting", "seq": 1 }),
        b"{}",
    );
    process.send(&json!({ "kind": "cancel", "run_id": "never" }), b"");
    process.start_run("next", "1", 5_000);
    assert_eq!(process.completions(1)["next"].1, b"1");
}

#[test]
fn a_broken_frame_ends_the_process_with_a_reason() {
    let Some(mut process) = greeted() else { return };
    process.send(&json!({ "kind": "exec", "command": "id" }), b"");
    let (code, complaint) = process.end();
    assert_eq!(code, Some(70));
    assert!(complaint.contains("frames cannot be read"), "{complaint}");
}

#[test]
fn a_changed_image_is_refused() {
    let Some((path, _)) = image() else { return };
    let process = Process::start(&path, &"0".repeat(64));
    let (code, complaint) = process.end();
    assert_eq!(code, Some(70));
    assert!(complaint.contains("has SHA-256"), "{complaint}");
}
