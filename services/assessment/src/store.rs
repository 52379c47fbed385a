//! All SQL of the context, by table. Reads run on the database or in a transaction, writes in a transaction.

mod assessments;
mod behaviours;
mod facts;
mod grades;
mod orders;
mod policies;
mod profiles;
mod scorecards;

use rust_decimal::Decimal;
use weir_model::{Currency, Money};
use weir_store::{Error, Migration, Rate, Result};

use crate::grade::Grade;

pub(crate) use assessments::{
    ListedAssessments, assessment, assessment_for_update, assessments, decide_in, insert_in, made_at_in,
};
pub(crate) use behaviours::{behaviour, behaviours_to_forget, forget_behaviours_in, save_behaviour_in};
pub use facts::RecordedFact;
pub(crate) use facts::{ListedFacts, facts_of, list_facts, record_facts_in};
pub(crate) use grades::{grade_in, grades, save_grade_in};
pub(crate) use orders::{closed_orders, save_order_in};
pub use policies::PolicyRecord;
pub(crate) use policies::{insert_policy_in, next_policy_version, policy, policy_at};
pub(crate) use profiles::{profile, profile_for_update, save_profile_in};
pub(crate) use scorecards::{
    ListedScorecards, activate_in, insert_scorecard_in, next_scorecard_version, scorecard, scorecard_at,
    scorecard_content, scorecards,
};

pub use scorecards::ScorecardRecord;

/// The context's own schema; the store's tables come by themselves.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 100, name: "assessment", sql: include_str!("migrations/0100_assessment.sql") },
    Migration { version: 101, name: "known_by_day", sql: include_str!("migrations/0101_known_by_day.sql") },
];

/// What a column holds that this code never wrote.
fn corrupt(what: &str, value: &str) -> Error {
    Error::Constraint(format!("{what} {value:?} in the database"))
}

fn currency(code: &str) -> Result<Currency> {
    Currency::from_code(code).map_err(|_| corrupt("currency", code))
}

fn money(minor: Option<i64>, currency: Currency) -> Option<Money> {
    minor.map(|minor| Money::new(minor, currency))
}

fn grade(letter: &str) -> Result<Grade> {
    Grade::from_letter(letter).ok_or_else(|| corrupt("grade", letter))
}

fn days(days: i64) -> Result<i32> {
    i32::try_from(days).map_err(|_| corrupt("terms", &days.to_string()))
}

/// A score as both databases give it back: with two decimals, whichever way they keep zeros.
fn score(rate: Rate) -> Decimal {
    crate::scoring::round_score(rate.0)
}

/// Every query with fixed text, for the test that prepares them on both databases.
#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, weir_store::Sql)> {
    [
        assessments::ALL,
        behaviours::ALL,
        facts::ALL,
        grades::ALL,
        orders::ALL,
        policies::ALL,
        profiles::ALL,
        scorecards::ALL,
    ]
    .concat()
}
