//! Which PostgreSQL connections are asked whether they still live before they are used: those that have rested for long, and,
//! once one was found broken, all that were used last before that. Asking each before every use would cost a round trip a
//! query; asking none would have every connection of a server that started again fail one more caller.
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::pool::PoolConnectionMetadata;
use tokio::time::Instant;

use crate::{Error, Result};

/// After which rest a connection is asked.
const REST: Duration = Duration::from_secs(5);

/// When a connection was last found broken.
#[derive(Debug, Default)]
pub(crate) struct Doubt(Mutex<Option<Instant>>);

impl Doubt {
    /// Whether a connection is to be asked before it is used.
    pub(crate) fn concerns(&self, connection: &PoolConnectionMetadata) -> bool {
        let used_last = Instant::now().checked_sub(connection.idle_for);
        connection.idle_for > REST || self.0.lock().is_some_and(|since| used_last.is_none_or(|last| last <= since))
    }

    /// Notes what a use of a connection came to.
    pub(crate) fn note<T>(&self, used: Result<T, sqlx::Error>) -> Result<T> {
        used.map_err(|error| {
            let error = Error::from(error);
            if matches!(error, Error::Unavailable(_)) {
                *self.0.lock() = Some(Instant::now());
            }
            error
        })
    }
}
