//! The steps to the end, and the signals that begin them.

use std::time::Duration;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::*;

const LONG: Duration = Duration::from_secs(3600);

/// The only test that sends signals: they reach every listener of the process.
#[tokio::test]
async fn sigterm_asks_and_a_second_signal_ends() {
    let shutdown = Shutdown::new(ShutdownConfig { wait: LONG, hard_limit: LONG });
    shutdown.listen_for_signals().unwrap();
    kill(Pid::this(), Signal::SIGTERM).unwrap();
    shutdown.asked().cancelled().await;
    assert!(!shutdown.draining().is_cancelled(), "sigterm waits for load balancers");
    kill(Pid::this(), Signal::SIGINT).unwrap();
    shutdown.draining().cancelled().await;
    shutdown.over().cancelled().await;
}

#[tokio::test]
async fn hurrying_skips_the_wait_and_not_the_work() {
    let shutdown = Shutdown::new(ShutdownConfig { wait: LONG, hard_limit: LONG });
    shutdown.hurry();
    shutdown.draining().cancelled().await;
    assert!(!shutdown.over().is_cancelled());
}

#[tokio::test]
async fn after_the_hard_limit_it_is_over() {
    let shutdown = Shutdown::new(ShutdownConfig { wait: Duration::ZERO, hard_limit: Duration::from_millis(1) });
    shutdown.ask();
    shutdown.over().cancelled().await;
    assert!(shutdown.draining().is_cancelled());
}

#[tokio::test]
async fn nothing_ends_unasked() {
    let shutdown = Shutdown::new(ShutdownConfig { wait: Duration::ZERO, hard_limit: Duration::ZERO });
    tokio::task::yield_now().await;
    assert!(!shutdown.asked().is_cancelled() && !shutdown.draining().is_cancelled());
}
