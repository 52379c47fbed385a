//! What collections learns from others: debts from receivables, held orders from the gate, grades from limits.
//! Translates their messages; decides nothing.

use std::sync::Arc;

use weir_model::{AccountId, CorrelationId, Currency, Fields, HoldId};
use weir_store::{
    Tx,
    follow::{Follower, Source, SourceError},
};
use weir_wire::{
    Peer,
    common::v1::{EntryHeader, Grade as PbGrade},
    feed, limits as limits_pb, order_gate as gate_pb, parse, receivables as receivables_pb,
};

use crate::{
    Collections, Error,
    facade::{HeldOrder, LIMITS, ORDER_GATE, PositionLearned, RECEIVABLES},
    item::Item,
    strategy::Grade,
    template::{HoldStory, figure},
};

/// Correlation of what comes in a snapshot, where nobody says what it belongs to.
const SNAPSHOT: &str = "snapshot";

/// Follows what is owed.
pub fn receivables(context: &Arc<Collections>, peer: Peer) -> Follower<ReceivablesSource> {
    let source = ReceivablesSource { context: Arc::clone(context), peer };
    Follower::new(context.env().db.clone(), RECEIVABLES, source)
}

/// Follows which orders are held.
pub fn order_gate(context: &Arc<Collections>, peer: Peer) -> Follower<OrderGateSource> {
    let source = OrderGateSource { context: Arc::clone(context), peer };
    Follower::new(context.env().db.clone(), ORDER_GATE, source)
}

/// Follows the grades of accounts, which strategies may be chosen by.
pub fn limits(context: &Arc<Collections>, peer: Peer) -> Follower<LimitsSource> {
    let source = LimitsSource { context: Arc::clone(context), peer };
    Follower::new(context.env().db.clone(), LIMITS, source)
}

/// Receivables' feed and its effect here.
#[derive(Debug)]
pub struct ReceivablesSource {
    context: Arc<Collections>,
    peer: Peer,
}

impl Source for ReceivablesSource {
    type Change = PositionLearned;
    type Error = Error;

    async fn snapshot(&self) -> Result<feed::Snapshot<Self::Change>, SourceError> {
        feed::receivables::snapshot(&self.peer, |header, change| position(header.as_ref(), change)).await
    }

    async fn watch(&self, after: i64) -> Result<feed::Watch<Self::Change>, SourceError> {
        feed::receivables::watch(&self.peer, after, |header, change| position(header.as_ref(), change)).await
    }

    async fn apply_in(&self, tx: &mut Tx, change: &Self::Change) -> Result<(), Error> {
        self.context.learn_position_in(tx, change).await
    }
}

/// The gate's feed and its effect here.
#[derive(Debug)]
pub struct OrderGateSource {
    context: Arc<Collections>,
    peer: Peer,
}

impl Source for OrderGateSource {
    type Change = HeldOrder;
    type Error = Error;

    async fn snapshot(&self) -> Result<feed::Snapshot<Self::Change>, SourceError> {
        feed::order_gate::snapshot(&self.peer, |header, change| hold(header.as_ref(), change)).await
    }

    async fn watch(&self, after: i64) -> Result<feed::Watch<Self::Change>, SourceError> {
        feed::order_gate::watch(&self.peer, after, |header, change| hold(header.as_ref(), change)).await
    }

    async fn apply_in(&self, tx: &mut Tx, change: &Self::Change) -> Result<(), Error> {
        self.context.learn_hold_in(tx, change).await
    }
}

/// The limits' feed and its effect here.
#[derive(Debug)]
pub struct LimitsSource {
    context: Arc<Collections>,
    peer: Peer,
}

/// An account's grade, as limits told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GradeLearned {
    account_id: AccountId,
    grade: Option<Grade>,
    version: i64,
}

impl Source for LimitsSource {
    type Change = GradeLearned;
    type Error = Error;

    async fn snapshot(&self) -> Result<feed::Snapshot<Self::Change>, SourceError> {
        feed::limits::snapshot(&self.peer, |_, change| grade(change)).await
    }

    async fn watch(&self, after: i64) -> Result<feed::Watch<Self::Change>, SourceError> {
        feed::limits::watch(&self.peer, after, |_, change| grade(change)).await
    }

    async fn apply_in(&self, tx: &mut Tx, change: &Self::Change) -> Result<(), Error> {
        self.context.learn_grade_in(tx, &change.account_id, change.grade, change.version).await
    }
}

fn position(
    header: Option<&EntryHeader>,
    change: receivables_pb::v1::Change,
) -> Result<Option<PositionLearned>, SourceError> {
    let Some(receivables_pb::v1::change::Change::Position(change)) = change.change else { return Ok(None) };
    let mut fields = Fields::default();
    let account_id = parse::id(&mut fields, "account_id", &change.account_id);
    let currency = parse::currency(&mut fields, "currency_code", &change.currency_code);
    let credit = match &change.unapplied_credit {
        None => currency.map(weir_model::Money::zero),
        some => parse::non_negative_money(&mut fields, "unapplied_credit", some.as_ref()),
    };
    let credit = parse::in_currency(&mut fields, "unapplied_credit", credit, currency);
    let mut items = Vec::new();
    for (index, open_item) in change.items.iter().enumerate() {
        // credit is not dunned: it reduces what is owed once it is allocated
        if open_item.kind() != receivables_pb::v1::ItemKind::CreditNote {
            items.push(item(&mut fields, &format!("items[{index}]"), open_item, currency));
        }
    }
    let correlation_id = correlation(header, change.items.first().map(|item| item.correlation_id.as_str()));
    let learned = (|| {
        Some(PositionLearned {
            account_id: account_id?,
            credit: credit?,
            version: change.version,
            items: items.into_iter().collect::<Option<_>>()?,
            correlation_id,
        })
    })();
    fields.finish_with(learned).map(Some).map_err(SourceError::failed)
}

fn item(
    fields: &mut Fields,
    path: &str,
    item: &receivables_pb::v1::OpenItem,
    currency: Option<Currency>,
) -> Option<Item> {
    let at = |field: &str| format!("{path}.{field}");
    let item_id = parse::id(fields, &at("item_id"), &item.item_id);
    let document_date = parse::date(fields, &at("document_date"), item.document_date.as_ref());
    let due_date = parse::date(fields, &at("due_date"), item.due_date.as_ref());
    let amount = parse::non_negative_money(fields, &at("amount"), item.amount.as_ref());
    let open = parse::non_negative_money(fields, &at("open_amount"), item.open_amount.as_ref());
    let open = parse::in_currency(fields, &at("open_amount"), open, currency);
    let disputed = match &item.disputed_amount {
        None => open.map(|open| weir_model::Money::zero(open.currency())),
        some => parse::non_negative_money(fields, &at("disputed_amount"), some.as_ref()),
    };
    let disputed = parse::in_currency(fields, &at("disputed_amount"), disputed, currency);
    let settled_date = parse::optional_date(fields, &at("settled_date"), item.settled_date.as_ref());
    let order_id = parse::optional_id(fields, &at("order_id"), &item.order_id);
    let correlation_id = parse::optional_id(fields, &at("correlation_id"), &item.correlation_id);
    Some(Item {
        item_id: item_id?,
        document_number: item.document_number.clone(),
        document_date: document_date?,
        due_date: due_date?,
        amount: amount?,
        open: open?,
        disputed: disputed?,
        settled_date: settled_date?,
        order_id: order_id?,
        correlation_id: correlation_id?,
        version: item.version,
        reached_day: None,
        pauses: Vec::new(),
    })
}

/// A hold that waits for a decision; other changes of a hold are no news here.
fn hold(header: Option<&EntryHeader>, change: gate_pb::v1::Change) -> Result<Option<HeldOrder>, SourceError> {
    let Some(gate_pb::v1::change::Change::Hold(hold)) = change.change else { return Ok(None) };
    if hold.state() != gate_pb::v1::HoldState::Held {
        return Ok(None);
    }
    let mut fields = Fields::default();
    let hold_id: Option<HoldId> = parse::id(&mut fields, "hold_id", &hold.hold_id);
    let account_id: Option<AccountId> = parse::id(&mut fields, "account_id", &hold.account_id);
    let required = parse::money(&mut fields, "required_amount", hold.required_amount.as_ref());
    let reasons: Vec<&str> = hold.failures.iter().map(|f| f.rule().as_str_name().trim_start_matches("RULE_")).collect();
    let correlation_id = correlation(header, Some(&hold.correlation_id));
    let held = (|| {
        Some(HeldOrder {
            story: HoldStory {
                hold_id: hold.hold_id.clone(),
                order_id: hold.order_id.clone(),
                account_id: hold.account_id.clone(),
                required: figure(required?),
                reasons: reasons.join(", "),
                failures: hold.failures.iter().map(|failure| failure.message.clone()).collect(),
                ways_out: hold.ways_out.iter().map(|way| way.message.clone()).collect(),
            },
            hold_id: hold_id?,
            account_id: account_id?,
            correlation_id,
        })
    })();
    fields.finish_with(held).map(Some).map_err(SourceError::failed)
}

fn grade(change: limits_pb::v1::Change) -> Result<Option<GradeLearned>, SourceError> {
    let Some(limits_pb::v1::change::Change::CreditAccount(account)) = change.change else { return Ok(None) };
    let account_id = AccountId::parse(&account.account_id).map_err(SourceError::failed)?;
    let grade = match account.grade() {
        PbGrade::Unspecified => None,
        PbGrade::A => Some(Grade::A),
        PbGrade::B => Some(Grade::B),
        PbGrade::C => Some(Grade::C),
        PbGrade::D => Some(Grade::D),
    };
    Ok(Some(GradeLearned { account_id, grade, version: account.version }))
}

/// What a change belongs to: what it says itself, else its entry.
fn correlation(header: Option<&EntryHeader>, own: Option<&str>) -> CorrelationId {
    let of_entry = header.map(|header| header.correlation_id.as_str());
    let named = own.into_iter().chain(of_entry).find_map(|text| CorrelationId::parse(text).ok());
    named.unwrap_or_else(|| CorrelationId::parse(SNAPSHOT).expect("a literal of printable ASCII"))
}
