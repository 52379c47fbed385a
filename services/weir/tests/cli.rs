//! The program from its command line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers of tests included"
)]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use assert_cmd::assert::OutputAssertExt as _;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

fn weir(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.current_dir(folder).env_clear();
    command
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A server on a free port, and the log line that says it is ready.
fn serving(folder: &Path) -> (Child, String) {
    let mut child = weir(folder)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("WEIR_TELEMETRY__METRICS_LISTEN", "")
        .env("WEIR_TELEMETRY__LOG_FORMAT", "json")
        .env("WEIR_SHUTDOWN__WAIT", "0s")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = lines.map(Result::unwrap).find(|line| line.contains("\"ready\"")).expect("it says when it is ready");
    (child, ready)
}

#[test]
fn every_command_explains_itself() {
    let folder = folder();
    for command in ["serve", "migrate", "demo", "import", "config", "completions", "man", "version"] {
        weir(folder.path()).args([command, "--help"]).assert().success();
    }
}

#[test]
fn a_setting_tells_where_its_value_comes_from() {
    let folder = folder();
    let printed = weir(folder.path())
        .args(["config", "--data", "elsewhere"])
        .env("WEIR_SERVER__STREAMS_MAX", "17")
        .assert()
        .success();
    let text = String::from_utf8(printed.get_output().stdout.clone()).unwrap();
    for line in [
        "database.folder = \"elsewhere\"  # flag --data",
        "server.streams_max = 17  # environment WEIR_SERVER__STREAMS_MAX",
        "database.connections = 8  # default",
    ] {
        assert!(text.lines().any(|printed| printed == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_journal_is_not_forgotten_faster_than_a_follower_takes_a_snapshot() {
    let folder = folder();
    let printed = weir(folder.path()).arg("config").assert().success();
    let text = String::from_utf8(printed.get_output().stdout.clone()).unwrap();
    assert!(text.contains("database.journal_retention = \"550days\"  # default"), "{text}");
    let refused = weir(folder.path()).arg("config").env("WEIR_DATABASE__JOURNAL_RETENTION", "59m").assert().failure();
    let text = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(text.contains("database.journal_retention"), "{text}");
}

#[test]
fn the_database_password_is_not_shown() {
    let folder = folder();
    let printed = weir(folder.path()).args(["config", "--database", "postgres://weir:hush@db/weir"]).assert().success();
    let text = String::from_utf8(printed.get_output().stdout.clone()).unwrap();
    assert!(text.contains("database.url") && !text.contains("hush"), "{text}");
}

#[test]
fn an_unknown_setting_is_refused_by_name() {
    let folder = folder();
    std::fs::write(folder.path().join("weir.toml"), "[server]\nlisten_on = \"127.0.0.1:1\"\n").unwrap();
    let refused = weir(folder.path()).args(["config", "--config", "weir.toml"]).assert().failure();
    let text = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(text.contains("unknown key server.listen_on"), "{text}");
}

#[test]
fn an_unknown_role_is_refused_with_those_there_are() {
    let folder = folder();
    let refused = weir(folder.path()).args(["serve", "treasury"]).assert().failure();
    let text = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(text.contains("assessment, limits, order-gate, receivables, collections"), "{text}");
}

#[test]
fn migrating_is_checked_done_and_then_up_to_date() {
    let folder = folder();
    let behind = weir(folder.path()).args(["migrate", "--check", "limits"]).assert().failure();
    assert!(String::from_utf8_lossy(&behind.get_output().stdout).starts_with("limits: behind by store"));
    assert!(folder.path().read_dir().unwrap().next().is_none(), "a check writes nothing");
    weir(folder.path()).args(["migrate", "limits"]).assert().success();
    let checked = weir(folder.path()).args(["migrate", "--check", "limits"]).assert().success();
    assert_eq!(String::from_utf8_lossy(&checked.get_output().stdout), "limits: up to date\n");
}

#[test]
fn a_role_that_follows_another_asks_where_that_is() {
    let folder = folder();
    let refused = weir(folder.path())
        .args(["serve", "limits", "--listen", "127.0.0.1:0"])
        .env("WEIR_TELEMETRY__METRICS_LISTEN", "")
        .assert()
        .failure();
    let text = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(text.contains("set peers.assessment"), "{text}");
}

#[test]
fn it_stops_when_told_to() {
    let folder = folder();
    let (mut child, _) = serving(folder.path());
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_second_process_does_not_touch_the_same_folder() {
    let folder = folder();
    let (mut first, _) = serving(folder.path());
    let refused = weir(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("WEIR_TELEMETRY__METRICS_LISTEN", "")
        .assert()
        .failure();
    let text = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(text.contains("in use"), "{text}");
    first.kill().unwrap();
    first.wait().unwrap();
}
