//! Financial statements: ratios of the newest period, and how they moved against the one before.
//!
//! Figures are facts with a period. A figure that is missing, or a zero denominator, leaves its ratio out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::{
    altman::{Figures, Model, ratio},
    catalogue::{PREVIOUS, STATEMENT},
    fact::Chosen,
    input::{Input, Origin},
    value::Value,
};

/// Decimals of a ratio, rounded half to even.
const RATIO_SCALE: u32 = 4;

/// The figures of one period.
struct Statement<'f> {
    period_end: NaiveDate,
    figures: BTreeMap<&'f str, Chosen<'f>>,
}

impl Statement<'_> {
    fn figure(&self, name: &str) -> Option<Decimal> {
        self.figures.get(name)?.fact.value.number()
    }

    fn difference(&self, from: &str, less: &str) -> Option<Decimal> {
        self.figure(from)?.checked_sub(self.figure(less)?)
    }

    fn share(&self, part: &str, whole: &str) -> Option<Decimal> {
        ratio(self.figure(part), self.figure(whole))
    }

    fn altman(&self) -> Figures {
        Figures {
            working_capital: self.difference("current_assets", "current_liabilities"),
            retained_earnings: self.figure("retained_earnings"),
            ebit: self.figure("ebit"),
            market_equity: self.figure("market_equity"),
            book_equity: self.figure("total_equity").or_else(|| self.difference("total_assets", "total_liabilities")),
            sales: self.figure("revenue"),
            total_assets: self.figure("total_assets"),
            total_liabilities: self.figure("total_liabilities"),
        }
    }
}

/// Everything the two newest statements tell at a date: their figures (those of the older as `previous_…`) and what is
/// computed from them.
pub fn inputs(chosen: &BTreeMap<(&str, Option<NaiveDate>), Chosen<'_>>, as_of: NaiveDate) -> Vec<(String, Input)> {
    let mut newest_first = statements(chosen, as_of).into_iter().rev();
    let Some(newest) = newest_first.next() else { return Vec::new() };
    let previous = newest_first.next();

    let mut inputs = Vec::new();
    for (name, chosen) in &newest.figures {
        inputs.push(((*name).to_owned(), Input::of_fact(*chosen)));
    }
    for (name, chosen) in previous.iter().flat_map(|statement| &statement.figures) {
        inputs.push((format!("{PREVIOUS}{name}"), Input::of_fact(*chosen)));
    }
    let stale = newest.figures.values().any(|chosen| chosen.stale);
    let known_date = newest.figures.values().map(|chosen| chosen.fact.retrieved_date).max().unwrap_or(as_of);
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            let mut input = Input::computed(value, Origin::Statements, known_date);
            input.stale = stale;
            input.period_end = Some(newest.period_end);
            inputs.push((name.to_owned(), input));
        }
    };
    for (name, number) in ratios(&newest, previous.as_ref()) {
        add(name, number.map(|number| Value::Number(number.round_dp(RATIO_SCALE).normalize())));
    }
    for (model, name, zone_name) in [
        (Model::Listed, "altman_z", "altman_z_zone"),
        (Model::Private, "altman_z_private", "altman_z_private_zone"),
        (Model::General, "altman_z_general", "altman_z_general_zone"),
        (Model::Emerging, "altman_z_emerging", "altman_z_emerging_zone"),
    ] {
        let score = model.score(&newest.altman());
        add(name, score.map(|score| Value::Number(score.round_dp(RATIO_SCALE).normalize())));
        add(zone_name, score.map(|score| Value::Text(model.zone(score).as_str().to_owned())));
    }
    inputs
}

fn ratios(newest: &Statement<'_>, previous: Option<&Statement<'_>>) -> Vec<(&'static str, Option<Decimal>)> {
    let percent = |share: Option<Decimal>| share.and_then(|share| share.checked_mul(Decimal::ONE_HUNDRED));
    let debt = |statement: &Statement<'_>| statement.share("total_liabilities", "total_assets");
    let growth = previous.and_then(|previous| {
        let before = previous.figure("revenue").filter(Decimal::is_sign_positive);
        ratio(newest.figure("revenue").and_then(|now| now.checked_sub(before?)), before)
    });
    vec![
        ("debt_to_assets", debt(newest)),
        ("debt_to_assets_change", previous.and_then(|previous| debt(newest)?.checked_sub(debt(previous)?))),
        ("current_ratio", newest.share("current_assets", "current_liabilities")),
        ("operating_cash_flow_ratio", newest.share("operating_cash_flow", "current_liabilities")),
        ("gross_margin_percent", percent(newest.share("gross_profit", "revenue"))),
        ("net_margin_percent", percent(newest.share("net_profit", "revenue"))),
        ("revenue_growth_percent", percent(growth)),
    ]
}

/// Statements by the end of their period, oldest first; periods that have not ended are left out.
fn statements<'f>(chosen: &BTreeMap<(&'f str, Option<NaiveDate>), Chosen<'f>>, as_of: NaiveDate) -> Vec<Statement<'f>> {
    let figures = || {
        chosen.iter().filter_map(|((name, period_end), chosen)| {
            let period_end = (*period_end)?;
            (STATEMENT.contains(name) && period_end <= as_of).then_some((period_end, *name, *chosen))
        })
    };
    let periods: BTreeSet<NaiveDate> = figures().map(|(period_end, ..)| period_end).collect();
    periods
        .into_iter()
        .map(|period_end| Statement {
            period_end,
            figures: figures().filter(|(end, ..)| *end == period_end).map(|(_, name, chosen)| (name, chosen)).collect(),
        })
        .collect()
}
