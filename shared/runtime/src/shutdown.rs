//! How the process ends: asked, waiting, draining, over; each step bounded.
//!
//! Asked: health says not serving, everything still works. After the wait, draining: nothing new is accepted, streams
//! end, calls and steps under way finish. After the hard limit, over: whatever is left is dropped.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::{
    io,
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Section `[shutdown]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShutdownConfig {
    /// How long to go on serving after SIGTERM while load balancers learn that the process is leaving. SIGINT, sent by
    /// a person, does not wait.
    #[serde(with = "humantime_serde")]
    pub wait: Duration,
    /// How long calls under way may take after that.
    #[serde(with = "humantime_serde")]
    pub hard_limit: Duration,
}

impl Default for ShutdownConfig {
    fn default() -> Self {
        ShutdownConfig { wait: Duration::from_secs(5), hard_limit: Duration::from_secs(20) }
    }
}

/// The end of the process, as its parts see it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    config: ShutdownConfig,
    asked: CancellationToken,
    hurried: CancellationToken,
    draining: CancellationToken,
    over: CancellationToken,
}

impl Shutdown {
    /// A shutdown nobody has asked for. Must be made within a tokio runtime, on which it keeps its time.
    pub fn new(config: ShutdownConfig) -> Self {
        let shutdown = Shutdown {
            config,
            asked: CancellationToken::new(),
            hurried: CancellationToken::new(),
            draining: CancellationToken::new(),
            over: CancellationToken::new(),
        };
        tokio::spawn(shutdown.clone().keep_time());
        shutdown
    }

    /// Listens for signals: SIGTERM asks, SIGINT asks and does not wait, a second one of either ends at once.
    ///
    /// # Errors
    /// Where the operating system does not let the process listen.
    pub fn listen_for_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => shutdown.ask(),
                _ = interrupt.recv() => shutdown.hurry(),
            }
            tokio::select! {
                _ = terminate.recv() => {},
                _ = interrupt.recv() => {},
            }
            tracing::warn!("asked twice: not waiting for calls under way");
            shutdown.end();
        });
        Ok(())
    }

    /// Asks the process to end.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Asks the process to end without waiting for load balancers.
    pub fn hurry(&self) {
        self.hurried.cancel();
        self.asked.cancel();
    }

    /// Ends at once, whatever is under way.
    pub fn end(&self) {
        self.hurry();
        self.draining.cancel();
        self.over.cancel();
    }

    /// Fires when the process is asked to end.
    pub fn asked(&self) -> &CancellationToken {
        &self.asked
    }

    /// Fires when nothing new may begin.
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Fires when whatever is left must be dropped.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }

    async fn keep_time(self) {
        self.asked.cancelled().await;
        tracing::info!(wait = ?self.config.wait, hard_limit = ?self.config.hard_limit, "shutting down");
        tokio::select! {
            () = sleep(self.config.wait) => {},
            () = self.hurried.cancelled() => {},
        }
        self.draining.cancel();
        if timeout(self.config.hard_limit, self.over.cancelled()).await.is_err() {
            self.over.cancel();
        }
    }
}
