//! What a new installation starts with: a scorecard of every dimension and a grade table, as files that people read.

use chrono::NaiveDate;
use weir_model::{Fields, PolicyId, ScorecardId};

use crate::{grade::GradePolicy, scorecard::Scorecard};

/// The date from which the defaults are used: before any account was assessed.
pub const EFFECTIVE_DATE: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("the first of January exists");

/// The default scorecard's id.
pub fn scorecard_id() -> ScorecardId {
    ScorecardId::parse("standard-1").expect("printable ASCII")
}

/// The default policy's id.
pub fn policy_id() -> PolicyId {
    PolicyId::parse("standard-1").expect("printable ASCII")
}

/// The default scorecard.
pub fn scorecard() -> Scorecard {
    let scorecard: Scorecard =
        toml::from_str(include_str!("../defaults/scorecard.toml")).expect("the shipped file is read by a test");
    debug_assert!(checked(|fields| scorecard.check(fields, "scorecard")));
    scorecard
}

/// The default grade policy.
pub fn grade_policy() -> GradePolicy {
    let policy: GradePolicy =
        toml::from_str(include_str!("../defaults/grade_policy.toml")).expect("the shipped file is read by a test");
    debug_assert!(checked(|fields| policy.check(fields, "policy")));
    policy
}

fn checked(check: impl FnOnce(&mut Fields)) -> bool {
    let mut fields = Fields::default();
    check(&mut fields);
    fields.is_empty()
}
