//! The grade of an account as assessment tells it, and what a new one asks for.
//!
//! A grade without credit cuts at once, a worse one tightens terms at once; nothing is raised but through a request.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, AssessmentId, Country, Money, MoneyError};

use crate::{limit::Limit, policy::GradeRow};

/// The rule recorded with a limit of zero for a grade that gives no credit.
pub(crate) const NO_CREDIT_RULE: &str = "grade-gives-no-credit";

/// The grade; better ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Grade {
    A,
    B,
    C,
    D,
}

impl Grade {
    pub(crate) const ALL: [Grade; 4] = [Grade::A, Grade::B, Grade::C, Grade::D];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Grade::A => "A",
            Grade::B => "B",
            Grade::C => "C",
            Grade::D => "D",
        }
    }
}

/// What the newest approved assessment of an account says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GradeRecord {
    pub(crate) account_id: AccountId,
    /// Goes up with each change; an older one changes nothing.
    pub(crate) version: i64,
    pub(crate) assessment_id: AssessmentId,
    pub(crate) grade: Grade,
    pub(crate) score: Decimal,
    pub(crate) recommended_limit: Money,
    pub(crate) recommended_terms_days: i64,
    pub(crate) effective_date: NaiveDate,
    pub(crate) review_date: Option<NaiveDate>,
    /// Country of registration, where assessment told it.
    pub(crate) country: Option<Country>,
}

/// What a new grade asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// Limit zero and prepay, at once.
    Cut,
    /// A request for a limit on these terms.
    Ask { limit: Money, terms_days: i64 },
    /// The limit stays as it is.
    Keep,
}

/// What an account may owe today, freezes and temporary limits apart, and whether it was granted more for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outlook {
    pub(crate) in_force: Limit,
    /// A limit that begins later, or a temporary limit.
    pub(crate) more_granted: bool,
}

/// What a new grade asks for, given what its row allows and what the account was granted.
///
/// Asks where more is recommended than there is, and where there is more than the grade allows.
pub(crate) fn reaction(record: &GradeRecord, row: &GradeRow, outlook: Outlook) -> Result<Reaction, MoneyError> {
    let in_force = outlook.in_force;
    if row.gives_no_credit() {
        let is_zero = matches!(in_force, Limit::Amount(amount) if amount.is_zero());
        return Ok(if is_zero && !outlook.more_granted { Reaction::Keep } else { Reaction::Cut });
    }
    let recommended = record.recommended_limit;
    let limit = if row.higher_by_approval || recommended.checked_cmp(row.limit_max)?.is_le() {
        recommended
    } else {
        row.limit_max
    };
    let wanted = match in_force {
        Limit::None => limit.is_positive(),
        Limit::Amount(amount) => {
            let beyond_grade = !row.higher_by_approval && amount.checked_cmp(row.limit_max)?.is_gt();
            beyond_grade || limit.checked_cmp(amount)?.is_gt()
        }
        Limit::Unlimited => !row.higher_by_approval,
    };
    let terms_days = record.recommended_terms_days.clamp(0, row.terms_days_max);
    Ok(if wanted { Reaction::Ask { limit, terms_days } } else { Reaction::Keep })
}
