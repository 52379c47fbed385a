//! What the edge lets through, as settings.

use std::{num::NonZeroU32, time::Duration};

use governor::clock::DefaultClock;
use serde::{Deserialize, Serialize};

use super::{EdgeError, rate::Rates};

/// tonic's generated servers refuse larger messages by themselves, with another code.
const MESSAGE_IN_BYTES_CEILING: usize = 4 * 1024 * 1024;

/// Section `[edge]`: limits that hold for every call, from outside or from this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeConfig {
    /// Time for a call whose caller names none; streams have none by default.
    #[serde(with = "humantime_serde")]
    pub deadline_default: Duration,
    /// The longest time a call may take, whatever its caller asks for; streams are exempt.
    #[serde(with = "humantime_serde")]
    pub deadline_max: Duration,
    /// Calls being worked on at once; more are refused at once rather than queued.
    pub concurrency_max: usize,
    /// When a refused caller should try again.
    #[serde(with = "humantime_serde")]
    pub overload_retry_after: Duration,
    /// Calls a second of one caller, on average; 0 for as many as it likes. Processes of this system are not counted.
    pub caller_calls_per_second_max: u32,
    /// Calls of one caller at once, after a rest.
    pub caller_calls_burst_max: u32,
    /// The largest message taken, at most 4 MiB.
    pub message_in_bytes_max: usize,
    /// The largest message answered.
    pub message_out_bytes_max: usize,
    /// Whether the process describes its services to callers.
    pub reflection: bool,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        EdgeConfig {
            deadline_default: Duration::from_secs(30),
            deadline_max: Duration::from_secs(300),
            concurrency_max: 4096,
            overload_retry_after: Duration::from_secs(1),
            caller_calls_per_second_max: 0,
            caller_calls_burst_max: 1000,
            message_in_bytes_max: 1024 * 1024,
            message_out_bytes_max: 4 * 1024 * 1024,
            reflection: true,
        }
    }
}

impl EdgeConfig {
    pub(crate) fn check(&self) -> Result<(), EdgeError> {
        if self.message_in_bytes_max > MESSAGE_IN_BYTES_CEILING {
            return Err(EdgeError::Setting("edge.message_in_bytes_max", "must be at most 4194304 bytes"));
        }
        if self.concurrency_max == 0 {
            return Err(EdgeError::Setting("edge.concurrency_max", "must be at least 1"));
        }
        if self.caller_calls_burst_max == 0 {
            return Err(EdgeError::Setting("edge.caller_calls_burst_max", "must be at least 1"));
        }
        if self.deadline_default > self.deadline_max {
            return Err(EdgeError::Setting("edge.deadline_default", "must not exceed edge.deadline_max"));
        }
        Ok(())
    }

    /// How often each caller may call; none for as often as it likes.
    pub(crate) fn rates(&self) -> Option<Rates> {
        let per_second = NonZeroU32::new(self.caller_calls_per_second_max)?;
        Some(Rates::new(per_second, NonZeroU32::new(self.caller_calls_burst_max)?, DefaultClock::default()))
    }
}
