//! The relay between a sandbox that lies and an orchestrator that fails.

mod server;

use std::path::PathBuf;
use std::time::Duration;

use lambda_kit::{Environment, HttpsClient};
use relay::invocation::Invocation;
use relay::keeper::{Keeper, Program};
use relay::relay::{Outcome, RelayError, relay};
use relay::times::Times;
use serde_json::{Value, json};
use server::{Act, Received, Server};
use tokio::time::Instant;

const TOKEN: &str = "s3cret.run-token";

/// Short, but far longer than what they wait for here.
const TIMES: Times = Times {
    watch: Duration::from_millis(100),
    quiet: Duration::from_secs(3),
    retry: (Duration::from_millis(5), Duration::from_millis(20)),
    greeting: Duration::from_secs(20),
    fetch: Duration::from_secs(20),
    silence: Duration::from_millis(300),
    delivery: Duration::from_millis(500),
};

struct World {
    keeper: Keeper,
    client: HttpsClient,
    times: Times,
    /// Of the invocation.
    time: Duration,
}

impl World {
    fn new(scenario: &str) -> Self {
        Self {
            keeper: Keeper::start(program(scenario))
                .expect("the fake sandbox; `cargo test -p relay` builds it"),
            client: HttpsClient::new(&Environment::of([])).expect("a client"),
            times: TIMES,
            time: Duration::from_secs(30),
        }
    }

    async fn run(&mut self, server: &Server) -> Result<Outcome, RelayError> {
        let callback_url = format!("{}/dev/internal/runs/run_1/frames", server.url);
        let invocation = json!({"run_id": "run_1", "token": TOKEN, "callback_url": callback_url});
        let invocation: Invocation = serde_json::from_value(invocation).expect("an invocation");
        let callback = invocation.checked().expect("is one of ours");
        relay(
            &mut self.keeper,
            &self.client,
            &callback,
            &self.times,
            Instant::now() + self.time,
        )
        .await
    }
}

/// Examples stand beside the folder that tests run from.
fn program(scenario: &str) -> Program {
    let mut executable: PathBuf = std::env::current_exe().expect("a path");
    executable.pop();
    executable.pop();
    Program {
        executable: executable.join("examples").join("fake-sandbox"),
        image: scenario.into(),
        sha256: "ab".into(),
    }
}

/// An orchestrator without faults; `of` may answer a request differently.
fn orchestrator(of: impl Fn(&Received, usize) -> Option<Act> + Send + Sync + 'static) -> Server {
    Server::start(move |request, before| {
        of(request, before).unwrap_or_else(|| match request.kind() {
            "start" => Act::Answer(200, start(10_000).to_string()),
            "watch" => Act::Answer(200, r#"{"cancelled":false}"#.into()),
            "call" => Act::Answer(200, r#"{"kind":"value","value":42}"#.into()),
            _ => Act::Answer(204, String::new()),
        })
    })
}

fn start(wall_ms: u64) -> Value {
    json!({
        "run_id": "run_1", "tenant": "t_1", "script": "print('é')", "file_name": "a.py", "argv": ["x"],
        "input": {"z": 1, "a": [0.1]}, "seed": "18446744073709551615", "clock_base_ms": 1_790_000_000_000_u64,
        "dry_run": false, "registry_tools": ["search"],
        "limits": {"wall_ms": wall_ms, "cpu_ms": 10_000, "memory_mb": 256, "output_bytes": 8_192, "host_calls": 1_000, "script_tool_ms": 5_000},
    })
}

fn completion(server: &Server) -> Value {
    let completions = server.of_kind("completion");
    completions
        .last()
        .unwrap_or_else(|| panic!("no completion came: {:?}", server.received()))
        .body["completion"]
        .clone()
}

/// What was printed, put together by the places of its pieces, so that a repeated one changes nothing.
fn printed(server: &Server) -> String {
    let mut text: Vec<u8> = Vec::new();
    for request in server.received() {
        for piece in request.body["output"].as_array().into_iter().flatten() {
            let at = usize::try_from(piece["at"].as_u64().expect("a place")).expect("fits");
            assert!(at <= text.len(), "a gap before {at}");
            text.truncate(at);
            text.extend_from_slice(piece["text"].as_str().expect("text").as_bytes());
        }
    }
    String::from_utf8(text).expect("UTF-8")
}

#[tokio::test]
async fn fetches_the_script_and_delivers_how_it_ended() {
    let server = orchestrator(|_, _| None);
    let outcome = World::new("echo").run(&server).await.expect("runs");
    assert_eq!(outcome, Outcome::Delivered);
    let completion = completion(&server);
    assert_eq!(completion["state"], "succeeded");
    assert_eq!(completion["stdout"], "hi");
    assert_eq!(completion["result"]["script"], "print('é')");
    let header = &completion["result"]["header"];
    assert_eq!(header["input"], json!({"z": 1, "a": [0.1]}));
    assert_eq!(header["seed"], "18446744073709551615");
    assert_eq!(header["registry_tools"], json!(["search"]));
}

#[tokio::test]
async fn the_sandbox_sees_neither_token_nor_tenant_nor_address() {
    let server = orchestrator(|_, _| None);
    World::new("echo").run(&server).await.expect("runs");
    let seen = completion(&server)["result"].to_string();
    assert!(
        !seen.contains(TOKEN) && !seen.contains("t_1") && !seen.contains("127.0.0.1"),
        "{seen}"
    );
}

#[tokio::test]
async fn each_request_carries_the_token_and_each_engine_has_a_name_of_its_own() {
    let server = orchestrator(|_, _| None);
    let mut world = World::new("echo");
    world.run(&server).await.expect("runs");
    world.run(&server).await.expect("runs");
    for request in server.received() {
        assert!(
            request
                .head
                .contains(&format!("authorization: Bearer {TOKEN}")),
            "{}",
            request.head
        );
        assert!(
            request
                .head
                .starts_with("POST /dev/internal/runs/run_1/frames "),
            "{}",
            request.head
        );
    }
    let engines: Vec<String> = server
        .of_kind("start")
        .iter()
        .map(|one| one.body["engine"].to_string())
        .collect();
    assert!(
        engines.len() == 2 && engines[0] != engines[1] && engines[0].len() == 34,
        "{engines:?}"
    );
}

#[tokio::test]
async fn a_call_goes_out_and_its_answer_comes_back_as_they_were_written() {
    let server = orchestrator(|request, _| {
        (request.kind() == "call")
            .then(|| Act::Answer(200, r#"{"kind":"value","value":{"y":1,"x":2}}"#.into()))
    });
    World::new("call").run(&server).await.expect("runs");
    let [call] = &server.of_kind("call")[..] else {
        panic!("one call")
    };
    assert!(
        call.text
            .contains(r#""args":{"b":1,"a":0.1000000000000000055}"#),
        "{}",
        call.text
    );
    assert_eq!(
        (call.body["seq"].as_u64(), call.body["method"].as_str()),
        (Some(1), Some("llm.chat"))
    );
    let [completion] = &server.of_kind("completion")[..] else {
        panic!("one completion")
    };
    assert!(
        completion
            .text
            .contains(r#""result":{"kind":"value","value":{"y":1,"x":2}}"#),
        "{}",
        completion.text
    );
    assert_eq!(printed(&server), "beforeafter");
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_repeated_with_its_number() {
    let server = orchestrator(|request, before| match (request.kind(), before) {
        ("call", 0) => Some(Act::HangUp),
        ("call", 1) => Some(Act::Answer(500, "oops".into())),
        ("call", 2) => Some(Act::Answer(429, "slower".into())),
        ("call", 3) => Some(Act::CutOff),
        ("call", 4) => Some(Act::Answer(200, "   ".into())),
        ("call", 5) => Some(Act::FallSilent),
        _ => None,
    });
    World::new("call").run(&server).await.expect("runs");
    let calls = server.of_kind("call");
    assert_eq!(calls.len(), 7);
    assert!(calls.iter().all(|call| call.text == calls[0].text));
    assert_eq!(completion(&server)["result"]["value"], 42);
    assert_eq!(printed(&server), "beforeafter");
}

#[tokio::test]
async fn an_answer_may_take_its_time_behind_white_space() {
    let server = orchestrator(|request, _| {
        (request.kind() == "call").then(|| {
            Act::Slowly(
                12,
                Duration::from_millis(200),
                r#"{"kind":"value","value":7}"#.into(),
            )
        })
    });
    World::new("call").run(&server).await.expect("runs");
    assert_eq!(server.of_kind("call").len(), 1);
    assert!(!server.of_kind("watch").is_empty());
    assert_eq!(completion(&server)["result"]["value"], 7);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_an_error_to_the_script() {
    let server = orchestrator(|request, _| {
        let long = format!(r#"{{"kind":"value","value":"{}"}}"#, "x".repeat(5 << 20));
        (request.kind() == "call").then_some(Act::Answer(200, long))
    });
    World::new("call").run(&server).await.expect("runs");
    assert_eq!(completion(&server)["result"]["error"]["code"], "too_large");
}

#[tokio::test]
async fn a_run_that_is_not_ours_any_more_stops_without_a_word() {
    for status in [401, 404, 409, 410] {
        let server = orchestrator(move |request, _| {
            (request.kind() == "call").then(|| Act::Answer(status, "{}".into()))
        });
        let outcome = World::new("call").run(&server).await.expect("runs");
        assert_eq!(outcome, Outcome::NotOurs, "{status}");
        assert!(server.of_kind("completion").is_empty(), "{status}");
    }
}

#[tokio::test]
async fn another_engine_has_the_run() {
    let server = orchestrator(|request, _| {
        (request.kind() == "start").then(|| Act::Answer(409, "{}".into()))
    });
    let outcome = World::new("echo").run(&server).await.expect("runs");
    assert_eq!(outcome, Outcome::NotOurs);
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn the_watch_notices_that_the_run_is_over() {
    let server = orchestrator(|request, before| {
        (request.kind() == "watch" && before > 0).then(|| Act::Answer(410, "{}".into()))
    });
    let outcome = World::new("ignores-everything")
        .run(&server)
        .await
        .expect("runs");
    assert_eq!(outcome, Outcome::NotOurs);
}

#[tokio::test]
async fn a_cancellation_reaches_the_script_while_a_call_is_under_way() {
    let server = orchestrator(|request, _| match request.kind() {
        "call" => Some(Act::FallSilent),
        "watch" => Some(Act::Answer(200, r#"{"cancelled":true}"#.into())),
        _ => None,
    });
    let outcome = World::new("call-until-cancelled")
        .run(&server)
        .await
        .expect("runs");
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(completion(&server)["state"], "cancelled");
    assert_eq!(completion(&server)["image"], "ab");
}

#[tokio::test]
async fn a_script_that_ignores_its_cancellation_is_stopped() {
    let server = orchestrator(|request, _| {
        (request.kind() == "watch").then(|| Act::Answer(200, r#"{"cancelled":true}"#.into()))
    });
    World::new("ignores-everything")
        .run(&server)
        .await
        .expect("runs");
    assert_eq!(completion(&server)["state"], "cancelled");
    assert_eq!(completion(&server)["exit_code"], 130);
}

#[tokio::test]
async fn a_process_that_is_silent_past_the_wall_limit_is_stopped() {
    let server = orchestrator(|request, _| {
        (request.kind() == "start").then(|| Act::Answer(200, start(200).to_string()))
    });
    World::new("ignores-everything")
        .run(&server)
        .await
        .expect("runs");
    let completion = completion(&server);
    assert_eq!(
        (
            completion["state"].as_str(),
            completion["exit_code"].as_u64()
        ),
        (Some("timed_out"), Some(3))
    );
    assert_eq!(
        completion["error"]["message"],
        "wall time of 200 ms is used up"
    );
}

#[tokio::test]
async fn the_end_of_the_functions_time_still_leaves_time_for_a_completion() {
    let server = orchestrator(|_, _| None);
    let mut world = World::new("ignores-everything");
    world.time = Duration::from_secs(2);
    assert_eq!(world.run(&server).await.expect("runs"), Outcome::Delivered);
    let completion = completion(&server);
    assert_eq!(completion["state"], "timed_out");
    assert_eq!(
        completion["error"]["message"],
        "the time of the function that ran it is used up"
    );
}

#[tokio::test]
async fn a_completion_is_repeated_until_it_is_confirmed() {
    let server = orchestrator(|request, before| match (request.kind(), before) {
        ("completion", 0) => Some(Act::HangUp),
        ("completion", 1 | 2) => Some(Act::Answer(503, String::new())),
        _ => None,
    });
    assert_eq!(
        World::new("call").run(&server).await.expect("runs"),
        Outcome::Delivered
    );
    assert_eq!(server.of_kind("completion").len(), 4);
    assert_eq!(printed(&server), "beforeafter");
}

#[tokio::test]
async fn a_completion_that_nobody_confirms_is_a_failed_invocation() {
    let server = orchestrator(|request, _| {
        (request.kind() == "completion").then(|| Act::Answer(500, String::new()))
    });
    let mut world = World::new("echo");
    world.time = Duration::from_secs(2);
    assert!(matches!(
        world.run(&server).await,
        Err(RelayError::Completion)
    ));
}

#[tokio::test]
async fn a_completion_that_is_refused_is_replaced_by_one_that_says_so() {
    for status in [400, 413] {
        let server = orchestrator(move |request, before| {
            (request.kind() == "completion" && before == 0)
                .then(|| Act::Answer(status, String::new()))
        });
        assert_eq!(
            World::new("echo").run(&server).await.expect("runs"),
            Outcome::Delivered
        );
        let completion = completion(&server);
        assert_eq!(
            (
                completion["state"].as_str(),
                completion["exit_code"].as_u64()
            ),
            (Some("failed"), Some(6))
        );
        assert_eq!(completion["error"]["code"], "limit_exceeded");
        assert_eq!(completion["stdout_truncated"], true);
    }
}

#[tokio::test]
async fn a_completion_that_is_refused_for_good_is_a_failed_invocation() {
    let server = orchestrator(|request, _| {
        (request.kind() == "completion").then(|| Act::Answer(400, String::new()))
    });
    assert!(matches!(
        World::new("echo").run(&server).await,
        Err(RelayError::CompletionRefused(400))
    ));
}

#[tokio::test]
async fn a_completion_of_a_run_that_is_over_is_no_failure() {
    let server = orchestrator(|request, _| {
        (request.kind() == "completion").then(|| Act::Answer(410, String::new()))
    });
    assert_eq!(
        World::new("echo").run(&server).await.expect("runs"),
        Outcome::NotOurs
    );
}

#[tokio::test]
async fn a_start_that_does_not_come_or_is_refused_is_a_failed_invocation() {
    let mut world = World::new("echo");
    world.times.fetch = Duration::from_millis(300);
    for (status, body) in [(500, ""), (200, "{}"), (200, "not JSON")] {
        let server = orchestrator(move |request, _| {
            (request.kind() == "start").then(|| Act::Answer(status, body.into()))
        });
        assert!(
            matches!(world.run(&server).await, Err(RelayError::Start)),
            "{status} {body}"
        );
    }
    let server = orchestrator(|request, _| {
        (request.kind() == "start").then(|| Act::Answer(403, String::new()))
    });
    assert!(matches!(
        world.run(&server).await,
        Err(RelayError::StartRefused(403))
    ));
}

#[tokio::test]
async fn a_start_of_another_run_is_none() {
    let mut world = World::new("echo");
    world.times.fetch = Duration::from_millis(300);
    let mut other = start(1_000);
    other["run_id"] = "run_2".into();
    let server = orchestrator(move |request, _| {
        (request.kind() == "start").then(|| Act::Answer(200, other.to_string()))
    });
    assert!(matches!(world.run(&server).await, Err(RelayError::Start)));
}

#[tokio::test]
async fn much_output_arrives_whole_and_in_bodies_of_a_size() {
    let server = orchestrator(|request, before| {
        (request.kind() == "watch" && before == 1).then_some(Act::HangUp)
    });
    World::new("prints-much").run(&server).await.expect("runs");
    assert_eq!(printed(&server).len(), 65 * 16_000);
    assert!(
        server
            .received()
            .iter()
            .all(|request| request.text.len() < 320_000)
    );
}

#[tokio::test]
async fn a_process_that_is_lost_is_told_from_a_script_that_failed() {
    for scenario in ["dies", "dies-in-a-call", "no-greeting"] {
        let server = orchestrator(|_, _| None);
        World::new(scenario).run(&server).await.expect("runs");
        assert_failed(&completion(&server), (70, "InterpreterCrash"), scenario);
    }
}

#[tokio::test]
async fn frames_that_none_of_ours_sends_end_the_run_and_reach_nobody() {
    for scenario in [
        "wrong-protocol",
        "other-run",
        "other-token",
        "skips-a-call",
        "chooses-a-url",
        "arguments-that-leave-the-body",
        "method-of-a-megabyte",
        "frame-of-gigabytes",
        "not-a-frame",
        "greets-twice",
        "completion-that-does-not-add-up",
        "prints-for-ever",
    ] {
        let server = orchestrator(|_, _| None);
        World::new(scenario).run(&server).await.expect("runs");
        assert_failed(&completion(&server), (4, "SandboxViolation"), scenario);
        assert!(server.of_kind("call").is_empty(), "{scenario}");
        assert!(
            !server
                .received()
                .iter()
                .any(|request| request.text.contains("example.org")),
            "{scenario}"
        );
    }
}

fn assert_failed(completion: &Value, (exit_code, error): (u64, &str), scenario: &str) {
    assert_eq!(
        (
            completion["state"].as_str(),
            completion["exit_code"].as_u64()
        ),
        (Some("failed"), Some(exit_code)),
        "{scenario}"
    );
    assert_eq!(completion["error"]["type"], error, "{scenario}");
}

#[tokio::test]
async fn a_second_call_before_the_first_is_answered_ends_the_run() {
    let server = orchestrator(|request, _| (request.kind() == "call").then_some(Act::FallSilent));
    World::new("two-calls-at-once")
        .run(&server)
        .await
        .expect("runs");
    assert_eq!(completion(&server)["exit_code"], 4);
    assert!(server.of_kind("call").len() <= 1);
}

#[tokio::test]
async fn a_call_that_the_orchestrator_refuses_ends_the_run() {
    let server = orchestrator(|request, _| {
        (request.kind() == "call").then(|| Act::Answer(400, String::new()))
    });
    World::new("call").run(&server).await.expect("runs");
    assert_eq!(completion(&server)["exit_code"], 4);
}

#[tokio::test]
async fn a_process_serves_one_tenant_again_and_never_another() {
    let server = orchestrator(|request, before| {
        let mut start = start(10_000);
        start["tenant"] = if before < 2 { "t_1" } else { "t_2" }.into();
        (request.kind() == "start").then(|| Act::Answer(200, start.to_string()))
    });
    let mut world = World::new("echo");
    let mut pids = Vec::new();
    for _ in 0..3 {
        world.run(&server).await.expect("runs");
        pids.push(completion(&server)["result"]["pid"].clone());
    }
    assert_eq!(pids[0], pids[1]);
    assert_ne!(pids[1], pids[2]);
}

#[tokio::test]
async fn a_process_that_did_not_end_its_run_itself_is_not_used_again() {
    let server = orchestrator(|request, before| match (request.kind(), before) {
        ("call", 0) => Some(Act::Answer(410, String::new())),
        _ => None,
    });
    let mut world = World::new("call");
    assert_eq!(world.run(&server).await.expect("runs"), Outcome::NotOurs);
    assert_eq!(world.run(&server).await.expect("runs"), Outcome::Delivered);
    assert_eq!(completion(&server)["state"], "succeeded");
}
