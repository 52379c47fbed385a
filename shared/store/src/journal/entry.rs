//! What goes into the journal and what comes out.
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_model::Call;

use crate::{Instant, Result};

/// A change about to be appended.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// What kind of change, in snake case: `limit_changed`.
    pub kind: &'a str,
    /// What changed: the id of an account, an order, a case.
    pub subject: &'a str,
    /// The subject's version after the change; goes up with each of its changes.
    pub version: i64,
    /// The state before, for the audit; none for something new or where the change says enough.
    pub before: Option<Value>,
    /// The context's own event, or the state after.
    pub after: Value,
}

/// A change about to be appended whose states are texts already.
#[derive(Debug, Clone, Copy)]
pub struct NewEntry<'a> {
    /// The call that makes it.
    pub call: &'a Call,
    /// As [`Change::kind`].
    pub kind: &'a str,
    /// As [`Change::subject`].
    pub subject: &'a str,
    /// As [`Change::version`].
    pub version: i64,
    /// As [`Change::before`], as JSON text.
    pub before: Option<&'a str>,
    /// As [`Change::after`], as JSON text.
    pub after: &'a str,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Entry {
    /// Its place: goes up by exactly one from line to line.
    pub position: i64,
    /// When the change was made, by the clock of the call that made it.
    #[sqlx(try_from = "Instant")]
    pub recorded_at: DateTime<Utc>,
    /// What kind of change, in snake case.
    pub kind: String,
    /// What changed.
    pub subject: String,
    /// The subject's version after the change.
    pub version: i64,
    /// The state before as the JSON text it was written as, byte for byte.
    pub before: Option<String>,
    /// The event or the state after, as the JSON text it was written as, byte for byte.
    pub after: String,
    /// Who made the change.
    pub principal: String,
    /// The client's request id, where it gave one.
    pub request_id: Option<String>,
    /// What the change belongs to.
    pub correlation_id: String,
    /// W3C `traceparent` of the call, where it was traced.
    pub trace: Option<String>,
}

impl Entry {
    /// The event or the state after, as the context's own type.
    pub fn after_as<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_str(&self.after)?)
    }

    /// The state before, as the context's own type.
    pub fn before_as<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        Ok(self.before.as_deref().map(serde_json::from_str).transpose()?)
    }
}
