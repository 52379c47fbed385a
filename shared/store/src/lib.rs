//! A context's own database: one SQL text on SQLite and PostgreSQL, and what every context keeps beside its own
//! tables: journal, answered requests, bookmarks, leases. Knows nothing of credit.
//!
//! `$n` placeholders, `on conflict … excluded`, `returning`, row values, `filter`, common table expressions and window
//! functions mean the same in both databases. What differs is how a value sits in a column, which [`Instant`] and
//! [`Rate`] hide, and a handful of clauses, which [`sql!`] lets a query name. Transactions differ too: SQLite's are
//! serial, PostgreSQL's are READ COMMITTED, so read-then-write needs `pg(" for update")` or `where version = $n`.
mod bind;
pub mod bookmark;
mod db;
mod doubt;
mod env;
mod error;
pub mod follow;
pub mod journal;
mod lanes;
pub mod lease;
mod lite;
mod location;
mod migrate;
mod query;
pub mod requests;
mod session;
mod sql;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tx;
mod types;
mod work;

pub use bind::{Bind, Portable, Record, Scalar};
pub use db::{Db, Dialect};
pub use env::Env;
pub use error::{Error, Result, Retryable};
pub use journal::{Change, Entry, Journal, NewEntry, Step, Steps};
pub use location::Location;
pub use migrate::{FIRST_OWN_VERSION, Migration, migrations, pending_at, render};
pub use query::{Batch, Query, Runner};
pub use requests::Done;
pub use session::Session;
pub use sql::Sql;
pub use sqlx::types::{Json, Uuid};
pub use tx::Tx;
pub use types::{Column, Id, Instant, Rate};
pub use work::Work;
