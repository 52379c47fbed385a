//! What a process reads from a file that somebody renews while it runs, such as a token or a key.

use std::fmt;

use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

use super::PrincipalError;

/// How old it may become: files are renewed long before what is in them expires, so a minute late does no harm.
const AGE_MAX: Duration = Duration::from_secs(60);

type Read<T> = Box<dyn Fn() -> Result<T, PrincipalError> + Send + Sync>;

/// A value that is read again every minute.
pub(super) struct Renewed<T> {
    read: Read<T>,
    last: Mutex<(T, Instant)>,
}

impl<T: Clone> Renewed<T> {
    /// Reads it for the first time.
    pub(super) fn open(
        read: impl Fn() -> Result<T, PrincipalError> + Send + Sync + 'static,
    ) -> Result<Self, PrincipalError> {
        let first = read()?;
        Ok(Renewed { read: Box::new(read), last: Mutex::new((first, Instant::now())) })
    }

    /// The value as it was within the last minute; the last good one where it cannot be read.
    pub(super) fn get(&self) -> T {
        self.get_at(Instant::now())
    }

    fn get_at(&self, now: Instant) -> T {
        let mut last = self.last.lock();
        if now.saturating_duration_since(last.1) >= AGE_MAX {
            last.1 = now;
            match (self.read)() {
                Ok(value) => last.0 = value,
                Err(error) => tracing::warn!(%error, "keeping what was read last"),
            }
        }
        last.0.clone()
    }
}

impl<T> fmt::Debug for Renewed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewed")
    }
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use super::*;

    #[test]
    fn what_is_renewed_is_seen_after_a_minute_and_kept_while_it_cannot_be_read() {
        let file = Arc::new(Mutex::new(Some("old")));
        let begun = Instant::now();
        let written = Arc::clone(&file);
        let unreadable = || PrincipalError::ServiceKeyFile { path: PathBuf::new(), cause: String::new() };
        let renewed = Renewed::open(move || written.lock().ok_or_else(unreadable)).unwrap();
        *file.lock() = Some("new");
        assert_eq!(renewed.get_at(begun + Duration::from_secs(59)), "old");
        let minute_later = Instant::now() + AGE_MAX;
        assert_eq!(renewed.get_at(minute_later), "new");
        *file.lock() = None;
        assert_eq!(renewed.get_at(minute_later + AGE_MAX), "new");
    }
}
