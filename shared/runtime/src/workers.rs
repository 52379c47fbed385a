//! Background work: named loops around a `step`.
//!
//! A step does a bounded amount of work and says how much. The loop rests when there was none, backs off when it
//! failed, and outlives panics. When the process drains, the step under way finishes and no other begins.

#[cfg(test)]
mod tests;

use std::{fmt::Display, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt as _;
use tokio::{
    sync::Notify,
    task::{JoinSet, yield_now},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, info_span};

use crate::{dice, edge::panic_message, shutdown::Shutdown, telemetry::Metrics};

/// How a loop paces itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Rest after a step that found nothing to do; a wake-up ends it early.
    pub idle: Duration,
    /// Rest after a first failure; doubled with each further one, and shortened by chance by up to a half.
    pub backoff_first: Duration,
    /// The longest rest after a failure.
    pub backoff_longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            idle: Duration::from_secs(1),
            backoff_first: Duration::from_millis(100),
            backoff_longest: Duration::from_secs(30),
        }
    }
}

impl Pace {
    /// The default pace with another rest after a step that found nothing to do.
    pub fn idle(idle: Duration) -> Self {
        Pace { idle, ..Pace::default() }
    }

    fn backoff(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let longest = self.backoff_first.saturating_mul(1 << doublings).min(self.backoff_longest);
        longest / 2 + dice::up_to(longest / 2)
    }
}

/// Tells a resting loop that there may be work; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct WakeUp(Arc<Notify>);

impl WakeUp {
    /// Ends the loop's present rest, or skips its next one.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// The background work of a process.
#[derive(Debug)]
pub struct Workers {
    tasks: JoinSet<()>,
    shutdown: Shutdown,
    metrics: Metrics,
}

/// One worker: its name for the log and the figures, and what it shares with the others.
struct Worker {
    name: String,
    pace: Pace,
    stop: CancellationToken,
    metrics: Metrics,
    failures: u32,
}

impl Workers {
    /// No work yet. Loops stop when the shutdown drains.
    pub fn new(shutdown: Shutdown, metrics: Metrics) -> Self {
        Workers { tasks: JoinSet::new(), shutdown, metrics }
    }

    /// Repeats a step until the process drains. The step answers how many units of work it did.
    pub fn spawn<S, F, E>(&mut self, name: impl Into<String>, pace: Pace, step: S) -> WakeUp
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<usize, E>> + Send,
        E: Display + Send,
    {
        let wake_up = WakeUp::default();
        let (mut worker, wake) = (self.worker(name, pace), Arc::clone(&wake_up.0));
        let span = info_span!("worker", name = worker.name);
        let work = async move {
            while !worker.stop.is_cancelled() {
                match AssertUnwindSafe(async { step().await }).catch_unwind().await {
                    Ok(Ok(0)) => worker.rest_idle(&wake).await,
                    Ok(Ok(_)) => {
                        worker.note("done");
                        yield_now().await;
                    }
                    Ok(Err(error)) => worker.rest_failed(error.to_string()).await,
                    Err(panic) => worker.rest_panicked(panic_message(panic.as_ref()).to_owned()).await,
                }
            }
        };
        self.tasks.spawn(work.instrument(span));
        wake_up
    }

    /// Waits until all work has ended; drops what is left when the time is over.
    pub async fn finished(mut self) {
        let over = self.shutdown.over().clone();
        loop {
            tokio::select! {
                ended = self.tasks.join_next() => if ended.is_none() { return },
                () = over.cancelled() => break,
            }
        }
        tracing::warn!(workers = self.tasks.len(), "dropping background work: time is over");
        self.tasks.shutdown().await;
    }

    fn worker(&self, name: impl Into<String>, pace: Pace) -> Worker {
        let stop = self.shutdown.draining().clone();
        Worker { name: name.into(), pace, stop, metrics: self.metrics.clone(), failures: 0 }
    }
}

impl Worker {
    fn note(&mut self, outcome: &'static str) {
        self.failures = 0;
        self.metrics.count_step(&self.name, outcome);
    }

    async fn rest_idle(&mut self, wake: &Notify) {
        self.note("idle");
        tokio::select! {
            () = self.stop.cancelled() => {},
            () = wake.notified() => {},
            () = sleep(self.pace.idle) => {},
        }
    }

    async fn rest_failed(&mut self, error: String) {
        let pause = self.failed("failed");
        tracing::warn!(error, failures = self.failures, ?pause, "a step failed");
        self.rest(pause).await;
    }

    async fn rest_panicked(&mut self, message: String) {
        let pause = self.failed("panicked");
        tracing::error!(panic = message, failures = self.failures, ?pause, "a step panicked");
        self.rest(pause).await;
    }

    fn failed(&mut self, outcome: &'static str) -> Duration {
        self.metrics.count_step(&self.name, outcome);
        self.failures = self.failures.saturating_add(1);
        self.pace.backoff(self.failures)
    }

    async fn rest(&self, pause: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {},
            () = sleep(pause) => {},
        }
    }
}
