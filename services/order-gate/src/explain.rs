//! A decision given back as a readable account, from its record alone.

use rust_decimal::Decimal;
use weir_model::{Currency, Money};

use crate::decision::{CountrySeen, Decision, Failure, Foreign, Measure, Outcome, PoolSeen, WayOut};
use crate::exposure::{Component, Exposure};
use crate::fx::in_major_units;
use crate::order::Checkpoint;
use crate::policy::Action;
use crate::standing::LimitInForce;

/// One sentence a line: what was asked and answered, against what, why, what would help, and what it was based on.
pub(crate) fn explain(decision: &Decision) -> Vec<String> {
    let mut lines = vec![answer(decision), asked(decision)];
    lines.extend(exposure(decision));
    lines.extend(decision.verdict.foreign.iter().map(|foreign| elsewhere(decision, foreign)));
    lines.push(limit(decision));
    lines.extend(decision.verdict.pools.iter().map(pool));
    lines.extend(decision.verdict.country.as_deref().and_then(country));
    lines.extend(decision.verdict.failures.iter().map(|failure| reason(decision, failure)));
    lines.extend(decision.verdict.ways_out.iter().map(|way| way_out(decision, *way)));
    lines.push(basis(decision));
    lines
}

impl Decision {
    fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }
}

fn answer(decision: &Decision) -> String {
    let Decision { order_id, revision, account_id, business_date, .. } = decision;
    let outcome = match decision.verdict.outcome {
        Outcome::Approve => "approved",
        Outcome::ApproveWithWarnings => "approved with warnings",
        Outcome::Hold => "held",
        Outcome::Reject => "rejected",
    };
    let checkpoint = match decision.checkpoint {
        Checkpoint::Contract => "contract",
        Checkpoint::Order => "order",
        Checkpoint::Delivery => "delivery",
        Checkpoint::GoodsIssue => "goods issue",
    };
    format!(
        "Order {order_id}, revision {revision}, of account {account_id} was {outcome} at the {checkpoint} checkpoint for \
         {business_date}."
    )
}

fn asked(decision: &Decision) -> String {
    match decision.verdict.required {
        0 => "It asked for no credit.".to_owned(),
        required => format!("It asked for {} of credit.", decision.money(required)),
    }
}

/// What was owed in another currency, and by which rate that was converted.
fn elsewhere(decision: &Decision, foreign: &Foreign) -> String {
    let Foreign { currency, factor, before, after } = foreign;
    // an exposure whose net does not fit is never made
    let net = |exposure: &Exposure| Money::new(exposure.net().unwrap_or(i64::MAX), *currency);
    let rate = in_major_units(*factor, *currency, decision.currency);
    format!(
        "Of that {} without the order and {} with it, at {rate} {} for one {currency}.",
        net(before),
        net(after),
        decision.currency
    )
}

fn pool(pool: &PoolSeen) -> String {
    let money = |minor| Money::new(minor, pool.limit.currency());
    format!(
        "The members of group {} owed {} together without the order and {} with it; their pool was {}, room in it {}.",
        pool.group_id,
        money(pool.before),
        money(pool.after),
        pool.limit,
        money(pool.headroom())
    )
}

/// None where nothing capped it.
fn country(seen: &CountrySeen) -> Option<String> {
    let money = |minor| Money::new(minor, seen.currency);
    Some(format!(
        "The accounts of country {} owed {} together without the order and {} with it; the cap was {}, room under it {}.",
        seen.country,
        money(seen.before),
        money(seen.after),
        money(seen.cap?),
        money(seen.headroom()?)
    ))
}

/// The exposure before and with the order, by its parts.
fn exposure(decision: &Decision) -> Option<String> {
    let (before, after) = (decision.verdict.before, decision.verdict.after);
    let parts = Component::ALL.into_iter().filter(|component| *component != Component::Disputed);
    let parts = parts.filter(|component| after.component(*component) != 0);
    let mut parts: Vec<String> =
        parts.map(|part| format!("{} {}", part.as_str(), decision.money(after.component(part)))).collect();
    if after.credit() > 0 {
        parts.push(format!("less credit and advance payments of {}", decision.money(after.credit())));
    }
    if after.elsewhere > 0 {
        parts.push(format!("in other currencies {}", decision.money(after.elsewhere)));
    }
    let (before, after) = (before.net().ok()?, after.net().ok()?);
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    Some(format!(
        "The account's exposure was {} without the order and {} with it{parts}.",
        decision.money(before),
        decision.money(after)
    ))
}

fn limit(decision: &Decision) -> String {
    let verdict = &decision.verdict;
    let limit = match verdict.limit {
        LimitInForce::Missing => "No limit was in force".to_owned(),
        LimitInForce::Expired(on) => format!("The last limit had ended on {on}"),
        LimitInForce::Amount(limit) => format!("The limit in force was {}", decision.money(limit)),
        LimitInForce::Unlimited => "The account had no upper limit".to_owned(),
    };
    let used = match (verdict.utilisation_before, verdict.utilisation_after) {
        (Some(before), Some(after)) => {
            format!(", {} % used without the order and {} % with it", before.normalize(), after.normalize())
        }
        _ => String::new(),
    };
    let room = verdict.headroom.map(|room| format!("; room was {}", decision.money(room))).unwrap_or_default();
    format!("{limit}{used}{room}.")
}

fn reason(decision: &Decision, failure: &Failure) -> String {
    let does = match failure.action {
        Action::Reject => "Refused",
        Action::Block => "Stopped",
        Action::Warn => "Warned",
        Action::Info | Action::Off => "Noted",
    };
    let currency = failure.currency.unwrap_or(decision.currency);
    let measured = match (failure.value, failure.threshold) {
        (Some(value), Some(threshold)) => {
            format!(" ({} against {})", measure(value, currency), measure(threshold, currency))
        }
        _ => String::new(),
    };
    let missing = failure.shortfall.map(|s| format!("; {} too much", Money::new(s, currency))).unwrap_or_default();
    format!("{does}: {}{measured}{missing}.", failure.message)
}

fn measure(measure: Measure, currency: Currency) -> String {
    match measure {
        Measure::Amount(minor) => Money::new(minor, currency).to_string(),
        Measure::Percent(percent) => format!("{} %", Decimal::normalize(&percent)),
        Measure::Days(days) => format!("{days} days"),
        Measure::Level(level) => format!("level {level}"),
        Measure::Milliseconds(ms) => format!("{ms} ms"),
        Measure::Index(index) => format!("index {}", Decimal::normalize(&index)),
    }
}

fn way_out(decision: &Decision, way: WayOut) -> String {
    let of_order = |minor| Money::new(minor, decision.currency_of_order());
    match way {
        WayOut::ReduceOrderTo(to) => format!("It would pass reduced to {}.", of_order(to)),
        WayOut::Pay(sum) => format!("It would pass after a payment of {}.", decision.money(sum)),
        WayOut::Prepay(sum) => format!("It would pass with {} more paid in advance.", of_order(sum)),
        WayOut::AskTemporaryLimit(sum) => {
            format!("It would pass with a temporary limit that adds {}.", decision.money(sum))
        }
        WayOut::AskRelease(sum) => {
            format!("A person with authority over {} may release it.", decision.money(sum))
        }
    }
}

fn basis(decision: &Decision) -> String {
    let followed = decision.based_on;
    let feeds =
        [("limits", followed.limits), ("receivables", followed.receivables), ("collections", followed.collections)];
    let feeds: Vec<String> = feeds
        .into_iter()
        .map(|(feed, at)| format!("{feed} {}", at.map_or("none".to_owned(), |at| at.to_string())))
        .collect();
    let Decision { policy_version, limit_version, staleness_ms, .. } = decision;
    format!(
        "Decided {} under policy version {policy_version} and credit account version {limit_version}, having followed {}; \
         the oldest of that was {staleness_ms} ms old.",
        decision.decided_at.format("%Y-%m-%dT%H:%M:%SZ"),
        feeds.join(", ")
    )
}
