//! What it learns from others: how accounts pay, from receivables; what became of their orders, from the order gate.
//!
//! Each piece is kept under the day it became known, so that an assessment as of a day knows what was known by then.

mod order_gate;
mod receivables;

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::Fields;
use weir_wire::{common::v1::EntryHeader, parse};

pub use order_gate::{OrderChange, OrderGateSource, order_gate};
pub use receivables::{BehaviourChange, ReceivablesSource, receivables};

use crate::Assessment;

/// When an entry was recorded; none in a snapshot.
fn recorded_at(fields: &mut Fields, header: Option<&EntryHeader>) -> Option<Option<DateTime<Utc>>> {
    parse::optional_instant(fields, "header.recorded_time", header.and_then(|header| header.recorded_time.as_ref()))
}

/// The business date on which a change became known: when it was recorded, or today when only the state is told.
fn known_on(context: &Assessment, recorded_at: Option<DateTime<Utc>>) -> NaiveDate {
    let clock = &context.env.clock;
    recorded_at.map_or_else(|| clock.today(), |at| clock.date_of(at))
}
