//! A freeze: credit stops at once, and a second person has to lift it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::SubjectId;

/// A freeze of an account, perhaps lifted since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Freeze {
    pub(crate) reason: String,
    pub(crate) frozen_by: SubjectId,
    pub(crate) frozen_at: DateTime<Utc>,
    /// First day it counts.
    pub(crate) frozen_on: NaiveDate,
    /// First day it no longer counts.
    pub(crate) lifted_on: Option<NaiveDate>,
}

impl Freeze {
    pub(crate) fn holds_on(&self, date: NaiveDate) -> bool {
        self.frozen_on <= date && self.lifted_on.is_none_or(|lifted_on| date < lifted_on)
    }

    pub(crate) const fn is_lifted(&self) -> bool {
        self.lifted_on.is_some()
    }

    /// Whether a person may lift it: anybody but who froze it.
    pub(crate) fn may_be_lifted_by(&self, who: &SubjectId) -> bool {
        self.frozen_by != *who
    }
}
