//! What can go wrong in the store, sorted by what the caller can do about it.
use std::path::PathBuf;
use std::time::Duration;

use sqlx::error::ErrorKind;
use weir_model::{Fault, Kind, Reason};

/// A result of the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No row, where the query promised one.
    #[error("no row where one was promised")]
    NotFound,
    /// A unique or primary key refused the row. Match on this and on which insert it was, never on the message.
    #[error("already there: {0}")]
    Duplicate(String),
    /// A foreign key, check or not-null constraint refused the row.
    #[error("constraint: {0}")]
    Constraint(String),
    /// Serialization failure, deadlock or a busy file: nothing was written, run the transaction again.
    #[error("run the transaction again: {0}")]
    Retry(String),
    /// The database could not be reached or went away; whether a commit under way took effect is not known.
    #[error("the database is not reachable: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else the database said.
    #[error("database: {0}")]
    Database(#[source] sqlx::Error),
    /// A migration failed, or the list of migrations is wrong.
    #[error("migration: {0}")]
    Migration(String),
    /// A value could not be written as JSON or read back from it.
    #[error("json: {0}")]
    Json(#[from] serde_json::Error),
    /// The same request id came with another content.
    #[error("the request id was used before with another content")]
    IdempotencyMismatch,
    /// Positions after the one asked for are gone: take a snapshot.
    #[error("positions up to {compacted} are compacted")]
    PositionCompacted {
        /// The highest position that is gone.
        compacted: i64,
    },
    /// The position asked for was never given out by this journal, as after the restore of an older backup.
    #[error("position {asked} is ahead of the journal, which ends at {head}")]
    PositionAhead {
        /// The position asked for.
        asked: i64,
        /// The last position there is.
        head: i64,
    },
    /// The next position was not the one after the last.
    #[error("position {found} came where {expected} was due")]
    Hole {
        /// The position that was due.
        expected: i64,
        /// The position that came.
        found: i64,
    },
    /// The reader took nothing for too long while entries waited.
    #[error("the reader is too slow and was disconnected")]
    SlowReader,
    /// The wait ended before what was waited for came.
    #[error("the deadline passed while waiting")]
    DeadlinePassed,
    /// Another replica follows the same feed and is ahead.
    #[error("the bookmark of {0} was moved by another replica")]
    BookmarkMoved(String),
    /// Another holder has the lease now: whatever was being done must stop.
    #[error("the lease {0} is lost")]
    LeaseLost(String),
    /// Another process works on the data folder.
    #[error("{folder} is in use by another process{holder}; one process at a time may open it")]
    FolderInUse {
        /// The data folder.
        folder: PathBuf,
        /// What the lock file says of the holder.
        holder: String,
    },
    /// The data folder cannot be used.
    #[error("{folder}: {source}")]
    Folder {
        /// The data folder.
        folder: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The location itself is wrong, such as a schema name with odd characters.
    #[error("location: {0}")]
    Location(String),
}

impl From<sqlx::Error> for Error {
    fn from(e: sqlx::Error) -> Self {
        let Some(d) = e.as_database_error() else {
            return match e {
                sqlx::Error::RowNotFound => Error::NotFound,
                // what is no protocol is what a connection says that is closed while it is made
                sqlx::Error::Io(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => Error::Unavailable(e),
                e => Error::Database(e),
            };
        };
        let code = d.code().unwrap_or_default();
        let sqlite = d.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
        // low byte of the extended code: 5 is SQLITE_BUSY*, 6 is SQLITE_LOCKED*
        let busy = sqlite && code.parse::<i32>().is_ok_and(|c| matches!(c & 0xff, 5 | 6));
        // 40001 serialization failure, 40P01 deadlock
        if busy || (!sqlite && matches!(&*code, "40001" | "40P01")) {
            return Error::Retry(e.to_string());
        }
        // class 08 connection exceptions, 57P0x shutdown, crash and starting up, 53300 too many connections
        if !sqlite && (code.starts_with("08") || code.starts_with("57P0") || &*code == "53300") {
            return Error::Unavailable(e);
        }
        match d.kind() {
            ErrorKind::UniqueViolation => Error::Duplicate(d.message().to_owned()),
            ErrorKind::ForeignKeyViolation | ErrorKind::NotNullViolation | ErrorKind::CheckViolation => {
                Error::Constraint(d.message().to_owned())
            }
            _ => Error::Database(e),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(e: sqlx::migrate::MigrateError) -> Self {
        match e {
            sqlx::migrate::MigrateError::Execute(e) => e.into(),
            e => Error::Migration(e.to_string()),
        }
    }
}

/// A context's own error says whether it came from an [`Error::Retry`], so that its transaction can run again.
pub trait Retryable {
    /// Whether running the transaction again may help. True only when nothing of it was written.
    fn retryable(&self) -> bool;
}

impl Retryable for Error {
    fn retryable(&self) -> bool {
        matches!(self, Error::Retry(_))
    }
}

/// How soon a caller may try again when the database could not be reached: longer than a failover's first seconds of
/// refused connections would make it hammer, shorter than a person's patience.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl From<Error> for Fault {
    /// What the caller sees. A cause that is ours alone goes to the log.
    fn from(e: Error) -> Self {
        match e {
            Error::Retry(_) => {
                Fault::new(Kind::Aborted, Reason::Conflict, "others changed the same data at the same time; try again")
            }
            Error::LeaseLost(_) | Error::BookmarkMoved(_) => {
                Fault::new(Kind::Aborted, Reason::Conflict, "another replica took over; try again")
            }
            Error::Unavailable(cause) => {
                tracing::warn!(%cause, "the database is not reachable");
                Fault::new(Kind::Unavailable, Reason::Unavailable, "the database is not reachable")
                    .retry_after(TRY_AGAIN_AFTER)
            }
            Error::IdempotencyMismatch => Fault::new(
                Kind::AlreadyExists,
                Reason::IdempotencyMismatch,
                "the request id was used before with another content",
            ),
            Error::PositionCompacted { compacted } => Fault::precondition(
                Reason::PositionCompacted,
                "entries after that position are compacted; take a snapshot",
            )
            .with("compacted_position", compacted),
            Error::PositionAhead { head, .. } => {
                Fault::precondition(Reason::PositionCompacted, "that position is not of this feed; take a snapshot")
                    .with("head_position", head)
            }
            Error::SlowReader => Fault::new(Kind::ResourceExhausted, Reason::SlowReader, "the reader did not keep up")
                .retry_after(TRY_AGAIN_AFTER),
            Error::DeadlinePassed => {
                Fault::new(Kind::DeadlineExceeded, Reason::NotFresh, "the position asked for was not reached in time")
            }
            cause => {
                tracing::error!(%cause, "the store failed");
                Fault::internal()
            }
        }
    }
}
