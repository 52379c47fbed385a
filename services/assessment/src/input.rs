//! Inputs of an assessment: recorded facts and everything computed, by name, each with its source and date.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    behaviour::Behaviour,
    catalogue::COUNTRY_RATING,
    fact::{Chosen, Fact, choose},
    fulfilment::Fulfilment,
    profile::Profile,
    statement,
    value::Value,
};

/// Whose figure an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A recorded fact.
    Fact,
    /// Computed from what receivables knows.
    Receivables,
    /// Computed from what the order gate knows.
    OrderGate,
    /// Computed from financial statements.
    Statements,
    /// The profile.
    Profile,
    /// Computed from another fact.
    Derived,
}

/// One input of an assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The value.
    pub value: Value,
    /// Whose figure it is.
    pub origin: Origin,
    /// The source.
    pub source: String,
    /// The document at the source; empty for what is computed.
    pub document_id: String,
    /// The date it was learned, or computed for.
    pub known_date: NaiveDate,
    /// The last day it may be relied on.
    pub valid_until: Option<NaiveDate>,
    /// Whether that day is over.
    pub stale: bool,
    /// The statement period it belongs to.
    pub period_end: Option<NaiveDate>,
}

impl Input {
    /// A fact as it was recorded.
    pub fn of_fact(chosen: Chosen<'_>) -> Self {
        let Chosen { fact, stale } = chosen;
        Input {
            value: fact.value.clone(),
            origin: Origin::Fact,
            source: fact.source.clone(),
            document_id: fact.document_id.clone(),
            known_date: fact.retrieved_date,
            valid_until: fact.valid_until,
            stale,
            period_end: fact.period_end,
        }
    }

    /// A figure of the system's own, computed for a date.
    pub fn computed(value: Value, origin: Origin, known_date: NaiveDate) -> Self {
        let source = match origin {
            Origin::Receivables => "receivables",
            Origin::OrderGate => "order_gate",
            Origin::Statements => "statements",
            Origin::Profile => "profile",
            Origin::Fact | Origin::Derived => "",
        };
        Input {
            value,
            origin,
            source: source.to_owned(),
            document_id: String::new(),
            known_date,
            valid_until: None,
            stale: false,
            period_end: None,
        }
    }

    /// Another value computed from this input: it is as old, as stale and from the same source.
    fn derive(&self, value: Value) -> Self {
        Input { value, origin: Origin::Derived, ..self.clone() }
    }
}

/// Inputs by name.
pub type Inputs = BTreeMap<String, Input>;

/// Everything known of an account at a date.
pub fn gather(
    profile: &Profile,
    facts: &[Fact],
    behaviour: Option<&Behaviour>,
    fulfilment: Option<&Fulfilment>,
    as_of: NaiveDate,
) -> Inputs {
    let chosen = choose(facts, as_of);
    let mut inputs = Inputs::new();
    for ((name, period_end), chosen) in &chosen {
        if period_end.is_none() {
            inputs.insert((*name).to_owned(), Input::of_fact(*chosen));
        }
    }
    inputs.extend(statement::inputs(&chosen, as_of));
    inputs.extend(of_profile(profile, inputs.get(COUNTRY_RATING), as_of));
    if let Some(years) = years_established(inputs.get("established_date"), as_of) {
        inputs.insert("years_established".to_owned(), years);
    }
    if let Some(behaviour) = behaviour {
        for (name, number) in behaviour.figures(as_of) {
            let input = Input::computed(Value::Number(number), Origin::Receivables, as_of);
            inputs.insert(name.to_owned(), input);
        }
    }
    if let Some(rate) = fulfilment.and_then(Fulfilment::rate_percent) {
        let input = Input::computed(Value::Number(rate), Origin::OrderGate, as_of);
        inputs.insert("fulfilment_rate_percent".to_owned(), input);
    }
    inputs
}

/// What the profile tells. The risk of the country is its rating; an account that no border parts from us carries
/// none, which is the best rating.
fn of_profile(profile: &Profile, country_rating: Option<&Input>, as_of: NaiveDate) -> Vec<(String, Input)> {
    let own = |value| Input::computed(value, Origin::Profile, as_of);
    let mut inputs = vec![
        ("country".to_owned(), own(Value::Text(profile.country.clone()))),
        ("cross_border".to_owned(), own(Value::Flag(profile.cross_border))),
    ];
    if !profile.industry.is_empty() {
        inputs.push(("industry".to_owned(), own(Value::Text(profile.industry.clone()))));
    }
    match country_rating {
        Some(rating) => inputs.push(("country_risk".to_owned(), rating.derive(rating.value.clone()))),
        None if !profile.cross_border => {
            inputs.push(("country_risk".to_owned(), own(Value::Number(Decimal::ONE_HUNDRED))));
        }
        None => {}
    }
    inputs
}

/// Years since the account was established, 365.25 days each, to two decimals half even; none for a date to come.
fn years_established(established: Option<&Input>, as_of: NaiveDate) -> Option<Input> {
    let established = established?;
    let Value::Date(date) = established.value else { return None };
    let days = Decimal::from(as_of.signed_duration_since(date).num_days());
    let years = days.checked_div(Decimal::new(36_525, 2))?.round_dp(2);
    (!years.is_sign_negative()).then(|| established.derive(Value::Number(years.normalize())))
}
