//! Time is given: the one place that reads the system's clock, and a clock a test or a simulation can set.

use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, SubsecRound, Utc};
use chrono_tz::Tz;
use parking_lot::Mutex;

/// Tells the instant, and the business date in the selling entity's time zone. Cheap to clone; clones agree.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: Tz,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The system's clock.
    pub fn system(zone: Tz) -> Self {
        Clock { zone, source: Source::System }
    }

    /// A clock that stands still until it is set or advanced.
    pub fn manual(start: DateTime<Utc>, zone: Tz) -> Self {
        Clock { zone, source: Source::Manual(Arc::new(Mutex::new(start.trunc_subsecs(6)))) }
    }

    /// The instant, to the microsecond: what both databases can keep.
    #[expect(clippy::disallowed_methods, reason = "the one home of the system clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.source {
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Manual(instant) => *instant.lock(),
        }
    }

    /// The business date: the calendar date it is now in the selling entity's time zone.
    pub fn today(&self) -> NaiveDate {
        self.date_of(self.now())
    }

    /// The calendar date of an instant in the selling entity's time zone.
    pub fn date_of(&self, instant: DateTime<Utc>) -> NaiveDate {
        instant.with_timezone(&self.zone).date_naive()
    }

    /// The selling entity's time zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Sets a manual clock; the system's clock cannot be set, and stays as it is.
    pub fn set(&self, instant: DateTime<Utc>) {
        if let Source::Manual(current) = &self.source {
            *current.lock() = instant.trunc_subsecs(6);
        }
    }

    /// Moves a manual clock forward; the system's clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(current) = &self.source {
            let mut current = current.lock();
            *current = current.checked_add_signed(by).unwrap_or(*current);
        }
    }
}
