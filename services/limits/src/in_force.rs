//! The limit in force on a day, explained line by line: standing limit, temporary limit, freeze, in this order.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Money, MoneyError};

use crate::{
    freeze::Freeze,
    limit::{Limit, Period, Standing, StandingLimit, standing_on},
    temporary::{Overlay, TemporaryLimit, valid_on},
};

/// What an account may owe on a day, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InForce {
    pub(crate) as_of: NaiveDate,
    pub(crate) limit: Limit,
    pub(crate) lines: Vec<Line>,
}

/// One line of the explanation; its result is the input of the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) kind: LineKind,
    pub(crate) result: Limit,
    pub(crate) source_id: String,
    pub(crate) message: String,
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LineKind {
    NeverGranted,
    Standing,
    Expired,
    TemporaryDelta,
    TemporaryAbsolute,
    Frozen,
}

/// Works out the limit in force on a day.
pub(crate) fn in_force(
    currency: Currency,
    limits: &[StandingLimit],
    temporary_limits: &[TemporaryLimit],
    freezes: &[Freeze],
    as_of: NaiveDate,
) -> Result<InForce, MoneyError> {
    let zero = Limit::Amount(Money::zero(currency));
    let mut lines = vec![standing_line(standing_on(limits, as_of), zero)];
    let mut limit = lines.last().map_or(Limit::None, |line| line.result);
    if let Some(temporary) = valid_on(temporary_limits, as_of) {
        limit = temporary.overlay.over(limit)?;
        lines.push(temporary_line(temporary, limit));
    }
    if let Some(freeze) = freezes.iter().find(|freeze| freeze.holds_on(as_of)) {
        limit = zero;
        let message = format!("frozen by {} since {}: {}", freeze.frozen_by, freeze.frozen_on, freeze.reason);
        lines.push(Line { kind: LineKind::Frozen, result: zero, source_id: String::new(), message });
    }
    Ok(InForce { as_of, limit, lines })
}

fn standing_line(standing: Standing<'_>, zero: Limit) -> Line {
    match standing {
        Standing::Never => Line {
            kind: LineKind::NeverGranted,
            result: Limit::None,
            source_id: String::new(),
            message: "no limit was granted for this day".to_owned(),
        },
        Standing::Expired { limit, last_day } => Line {
            kind: LineKind::Expired,
            result: zero,
            source_id: limit.limit_id.to_string(),
            message: format!("the limit of {} ran out on {last_day}", text(limit.limit)),
        },
        Standing::Holds(limit) => Line {
            kind: LineKind::Standing,
            result: limit.limit,
            source_id: limit.limit_id.to_string(),
            message: format!(
                "limit of {} {}, granted by request {}",
                text(limit.limit),
                days(limit.effective().unwrap_or(limit.period)),
                limit.limit_request_id
            ),
        },
    }
}

fn temporary_line(temporary: &TemporaryLimit, result: Limit) -> Line {
    let (kind, does) = match temporary.overlay {
        Overlay::Delta(delta) => (LineKind::TemporaryDelta, format!("adds {delta}")),
        Overlay::Absolute(amount) => (LineKind::TemporaryAbsolute, format!("replaces it by {amount}")),
    };
    let days = days(Period { from: temporary.from, to: Some(temporary.to) });
    let message = format!("temporary limit {does} {days}: {}", temporary.reason);
    Line { kind, result, source_id: temporary.temporary_limit_id.to_string(), message }
}

fn text(limit: Limit) -> String {
    match limit {
        Limit::None => "nothing".to_owned(),
        Limit::Amount(amount) => amount.to_string(),
        Limit::Unlimited => "any amount".to_owned(),
    }
}

fn days(period: Period) -> String {
    match period.to {
        Some(to) => format!("from {} to {to}", period.from),
        None => format!("from {} until further notice", period.from),
    }
}
