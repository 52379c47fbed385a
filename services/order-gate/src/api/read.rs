//! From messages to the gate's words, naming every bad field.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use tokio::time::Instant;
use weir_model::{Call, Currency, Fields, LineId, Money, SubjectId};
use weir_wire::{common::v1::Token, google::r#type::Date, order_gate::v1 as wire, parse};

use super::freshness;
use crate::Freshness;
use crate::hold::HoldState;
use crate::order::{Checkpoint, Order, OrderLine};

/// The most lines of an order, of a cancellation or of a delivery.
const LINES_MAX: usize = 500;
/// Decimals of a discount in percent.
const DISCOUNT_SCALE: u32 = 2;
/// The highest number of days of terms.
const TERMS_DAYS_MAX: i64 = 3_650;

/// What a message asks of an order.
pub(super) struct Asked {
    pub(super) order: Order,
    pub(super) date: NaiveDate,
    pub(super) fresh: Option<Freshness>,
}

/// Order, checkpoint, business date and freshness, as several messages have them.
pub(super) type Ask = (Option<wire::Order>, i32, Option<Date>, Option<Token>);

/// What a message asks of an order, if it can be waited for until an instant.
pub(super) fn asked(f: &mut Fields, (message, at, date, fresh): Ask, call: &Call, until: Instant) -> Option<Asked> {
    let order = order(f, message, at, call);
    let date = parse::optional_date(f, "business_date", date.as_ref());
    let fresh = freshness(f, fresh.as_ref(), until);
    Some(Asked { order: order?, date: date?.unwrap_or(call.today), fresh: fresh? })
}

/// An order, or none and every field that is wrong.
pub(super) fn order(f: &mut Fields, order: Option<wire::Order>, at: i32, call: &Call) -> Option<Order> {
    let at = checkpoint(f, at);
    order_at(f, order, at, call)
}

/// Where in its life an order is; the order itself when unspecified.
pub(super) fn checkpoint(f: &mut Fields, value: i32) -> Option<Checkpoint> {
    let checkpoint = parse::optional_one_of::<wire::Checkpoint>(f, "checkpoint", value);
    checkpoint.map(|checkpoint| checkpoint.map_or(Checkpoint::Order, read_checkpoint))
}

/// The same at a checkpoint that was read before. Paths of fields begin with `order`.
pub(super) fn order_at(
    f: &mut Fields,
    order: Option<wire::Order>,
    checkpoint: Option<Checkpoint>,
    call: &Call,
) -> Option<Order> {
    let Some(order) = order else {
        f.add("order", "is required");
        return None;
    };
    let order_id = parse::id(f, "order.order_id", &order.order_id);
    let revision = parse::whole(f, "order.revision", order.revision.into(), (1, i32::MAX.into()));
    let account_id = parse::id(f, "order.account_id", &order.account_id);
    let currency = parse::currency(f, "order.currency_code", &order.currency_code);
    let lines = lines(f, &order.lines, currency);
    let prepaid = match &order.prepaid_amount {
        None => Some(0),
        some => minor(f, "order.prepaid_amount", some.as_ref(), currency),
    };
    let ship_date = parse::optional_date(f, "order.ship_date", order.ship_date.as_ref());
    let terms_days = parse::whole(f, "order.terms_days", order.terms_days.into(), (0, TERMS_DAYS_MAX));
    let bounds = (Decimal::ZERO, Decimal::ONE_HUNDRED);
    let discount = order.discount_percent.as_ref();
    let discount = parse::optional_decimal(f, "order.discount_percent", discount, bounds, DISCOUNT_SCALE);
    let requested_by: Option<Option<SubjectId>> = parse::optional_id(f, "order.requested_by", &order.requested_by);
    let order = Order {
        order_id: order_id?,
        revision: i32::try_from(revision?).ok()?,
        account_id: account_id?,
        currency: currency?,
        lines: lines?,
        prepaid: prepaid?,
        ship_date: ship_date?,
        terms_days: i32::try_from(terms_days?).ok()?,
        discount_percent: discount?,
        requested_by: requested_by?.unwrap_or_else(|| call.principal.subject.clone()),
        submitted_by: Some(call.principal.subject.clone()),
        checkpoint: checkpoint?,
    };
    let value = f.check("order.lines", order.value())?;
    if order.prepaid > value {
        f.add("order.prepaid_amount", "must be at most the order's value");
        return None;
    }
    Some(order)
}

fn lines(f: &mut Fields, lines: &[wire::OrderLine], currency: Option<Currency>) -> Option<Vec<OrderLine>> {
    if lines.is_empty() {
        f.add("order.lines", "is required");
        return None;
    }
    parse::at_most(f, "order.lines", lines, LINES_MAX);
    let mut seen = BTreeSet::new();
    let read: Vec<Option<OrderLine>> = lines
        .iter()
        .enumerate()
        .take(LINES_MAX)
        .map(|(index, line)| {
            let path = |field: &str| format!("order.lines[{index}].{field}");
            let line_id = line_id(f, &path("line_id"), &line.line_id, &mut seen);
            let amount = minor(f, &path("amount"), line.amount.as_ref(), currency);
            Some(OrderLine { line_id: line_id?, amount: amount? })
        })
        .collect();
    read.into_iter().collect()
}

/// A line's id, which must not have come before.
fn line_id(f: &mut Fields, path: &str, text: &str, seen: &mut BTreeSet<LineId>) -> Option<LineId> {
    let line_id: LineId = parse::id(f, path, text)?;
    if seen.insert(line_id.clone()) {
        Some(line_id)
    } else {
        f.add(path, "names a line twice");
        None
    }
}

/// A non-negative amount in a currency, in minor units.
pub(super) fn minor(
    f: &mut Fields,
    path: &str,
    value: Option<&weir_wire::google::r#type::Money>,
    currency: Option<Currency>,
) -> Option<i64> {
    let money = parse::non_negative_money(f, path, value);
    parse::in_currency(f, path, money, currency).map(Money::minor)
}

/// Lines with positive amounts, each line once.
pub(super) fn line_amounts<'a>(
    f: &mut Fields,
    lines: impl ExactSizeIterator<Item = (&'a str, Option<&'a weir_wire::google::r#type::Money>)>,
    amount_field: &str,
) -> Option<Vec<(LineId, Money)>> {
    if lines.len() > LINES_MAX {
        f.add("lines", format!("must have at most {LINES_MAX} entries"));
    }
    let mut seen = BTreeSet::new();
    let read: Vec<Option<(LineId, Money)>> = lines
        .enumerate()
        .take(LINES_MAX)
        .map(|(index, (id, amount))| {
            let line_id = line_id(f, &format!("lines[{index}].line_id"), id, &mut seen);
            let amount = parse::positive_money(f, &format!("lines[{index}].{amount_field}"), amount);
            Some((line_id?, amount?))
        })
        .collect();
    read.into_iter().collect()
}

pub(super) fn read_checkpoint(checkpoint: wire::Checkpoint) -> Checkpoint {
    match checkpoint {
        wire::Checkpoint::Contract => Checkpoint::Contract,
        wire::Checkpoint::Unspecified | wire::Checkpoint::Order => Checkpoint::Order,
        wire::Checkpoint::Delivery => Checkpoint::Delivery,
        wire::Checkpoint::GoodsIssue => Checkpoint::GoodsIssue,
    }
}

/// A list of checkpoints; empty for all of them.
pub(super) fn checkpoints(f: &mut Fields, path: &str, values: &[i32]) -> Option<BTreeSet<Checkpoint>> {
    let read: Vec<Option<Checkpoint>> = values
        .iter()
        .enumerate()
        .take(wire::Checkpoint::GoodsIssue as usize)
        .map(|(index, value)| parse::one_of(f, &format!("{path}[{index}]"), *value).map(read_checkpoint))
        .collect();
    parse::at_most(f, path, values, wire::Checkpoint::GoodsIssue as usize);
    read.into_iter().collect()
}

/// A list of states.
pub(super) fn states(f: &mut Fields, values: &[i32]) -> Option<Vec<HoldState>> {
    parse::at_most(f, "states", values, wire::HoldState::Lapsed as usize);
    let read: Vec<Option<HoldState>> = values
        .iter()
        .enumerate()
        .take(wire::HoldState::Lapsed as usize)
        .map(|(index, value)| {
            Some(match parse::one_of(f, &format!("states[{index}]"), *value)? {
                wire::HoldState::Unspecified => return None,
                wire::HoldState::Held => HoldState::Held,
                wire::HoldState::Approved => HoldState::Approved,
                wire::HoldState::Released => HoldState::Released,
                wire::HoldState::Rejected => HoldState::Rejected,
                wire::HoldState::Lapsed => HoldState::Lapsed,
            })
        })
        .collect();
    read.into_iter().collect()
}
