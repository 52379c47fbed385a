//! An instant in a column. Cut to the microsecond, which is what both databases keep.
use chrono::{DateTime, Datelike as _, NaiveDateTime, SubsecRound as _, Utc};
use serde::{Deserialize, Serialize};
use sqlx::error::BoxDynError;

/// An instant, to the microsecond, of the years 0 to 9999. `timestamptz` in PostgreSQL; in SQLite text of fixed width,
/// `2026-03-31T16:00:00.000000Z`, whose byte order is the order of the instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub DateTime<Utc>);

impl Instant {
    /// The instant as the rest of the code knows it.
    pub const fn get(self) -> DateTime<Utc> {
        self.0
    }

    /// Four digits of year keep the text's width fixed; PostgreSQL is held to the same range.
    fn in_range(self) -> Result<DateTime<Utc>, BoxDynError> {
        if (0..=9999).contains(&self.0.year()) {
            Ok(self.0)
        } else {
            Err(format!("instant {} is outside the years 0 to 9999", self.0).into())
        }
    }

    pub(crate) fn text(self) -> Result<String, BoxDynError> {
        Ok(self.in_range()?.format(FORMAT).to_string())
    }

    fn parse(text: &str) -> Result<Self, BoxDynError> {
        Ok(Instant(NaiveDateTime::parse_from_str(text, FORMAT)?.and_utc()))
    }
}

const FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

impl From<DateTime<Utc>> for Instant {
    fn from(t: DateTime<Utc>) -> Self {
        Instant(t.trunc_subsecs(6))
    }
}

impl From<Instant> for DateTime<Utc> {
    fn from(t: Instant) -> Self {
        t.0
    }
}

super::twin_type!(Instant, DateTime<Utc>,
    to_pg: Instant::in_range,
    from_pg: Instant::from,
    to_text: Instant::text,
    from_text: Instant::parse);
