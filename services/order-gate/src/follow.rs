//! What the gate learns from others: credit from limits, positions from receivables, conduct from collections. Each
//! piece goes through the engine's task, in one transaction with its bookmark.

use std::sync::Arc;

use futures::StreamExt as _;
use rust_decimal::Decimal;
use weir_model::{
    AccountId, Call, CorrelationId, Currency, Fault, FeedStep, Fields, GroupId, Payment, SnapshotStep, SourceError,
    payment_index,
};
use weir_store::{
    Db, Tx,
    follow::{Advance, Follower, Line, Source},
};
use weir_wire::{Peer, collections, feed, limits, parse, receivables};

use crate::draft::{Bookmark, Invoiced, News};
use crate::engine::Ask;
use crate::exposure::Due;
use crate::pool::Group;
use crate::pulse::Feed;
use crate::standing::{
    Behaviour, Conduct, Cover, Credit, EffectiveLimit, Grade, Limit, Overlay, Position, Review, TemporaryLimit,
};
use crate::{Error, OrderGate};

/// The most days of terms read.
const TERMS_DAYS_MAX: i64 = 3_650;
/// The most entries of a list read.
const TEXT_MAX: usize = 2_000;

/// What a context says, as the gate understands it.
#[derive(Debug, Clone)]
pub struct Heard {
    news: News,
    correlation_id: Option<CorrelationId>,
}

/// A feed, and the effect of its changes at the gate.
#[derive(Debug)]
pub struct GateSource {
    context: Arc<OrderGate>,
    feed: Feed,
    peer: Peer,
}

/// Follows limits: every change of a credit account or a group takes effect once.
pub fn limits(context: &Arc<OrderGate>, peer: Peer) -> Follower<GateSource> {
    follower(context, Feed::Limits, peer)
}

/// Follows receivables: every change of a position takes effect once, invoiced order lines in the same step.
pub fn receivables(context: &Arc<OrderGate>, peer: Peer) -> Follower<GateSource> {
    follower(context, Feed::Receivables, peer)
}

/// Follows collections: every block and dunning level takes effect once.
pub fn collections(context: &Arc<OrderGate>, peer: Peer) -> Follower<GateSource> {
    follower(context, Feed::Collections, peer)
}

fn follower(context: &Arc<OrderGate>, feed: Feed, peer: Peer) -> Follower<GateSource> {
    let source = GateSource { context: context.clone(), feed, peer };
    let follower = Follower::new(context.env.db.clone(), feed.as_str(), source);
    watch_pulse(Arc::downgrade(context), feed, follower.status());
    follower
}

/// Notes each time the follower is level with its feed; ends with the follower, or with the gate.
fn watch_pulse(
    context: std::sync::Weak<OrderGate>,
    feed: Feed,
    mut status: tokio::sync::watch::Receiver<weir_store::follow::Status>,
) {
    tokio::spawn(async move {
        while status.changed().await.is_ok() {
            let Some(context) = context.upgrade() else { return };
            if status.borrow_and_update().caught_up {
                context.caught_up(feed);
            }
        }
    });
}

impl Source for GateSource {
    type Change = Heard;
    type Error = Error;

    async fn snapshot(&self) -> Result<Line<SnapshotStep<Heard>>, SourceError> {
        match self.feed {
            Feed::Limits => feed::limits::snapshot(&self.peer, |header, change| heard(header, said(change))).await,
            Feed::Receivables => {
                feed::receivables::snapshot(&self.peer, |header, change| heard(header, position(change))).await
            }
            Feed::Collections => {
                feed::collections::snapshot(&self.peer, |header, change| heard(header, conduct(change))).await
            }
        }
    }

    async fn watch(&self, after: i64) -> Result<Line<FeedStep<Heard>>, SourceError> {
        let engine = &self.context.engine;
        let mut rewound = engine.rewound();
        rewound.borrow_and_update();
        if engine.followed_now().reached(self.feed.as_str()) != Some(after) {
            return Err(SourceError::failed("accounts came whose news go less far"));
        }
        let line = match self.feed {
            Feed::Limits => feed::limits::watch(&self.peer, after, |header, change| heard(header, said(change))).await,
            Feed::Receivables => {
                feed::receivables::watch(&self.peer, after, |header, change| heard(header, position(change))).await
            }
            Feed::Collections => {
                feed::collections::watch(&self.peer, after, |header, change| heard(header, conduct(change))).await
            }
        }?;
        // accounts that come from another process may have been told less: the line is opened again from there
        Ok(line.take_until(async move { rewound.changed().await }).boxed())
    }

    async fn bookmark(&self, _: &Db, feed: &'static str) -> Result<Option<i64>, weir_store::Error> {
        let engine = &self.context.engine;
        // whoever decides follows
        engine.here().await.map_err(|error| weir_store::Error::LeaseLost(error.to_string()))?;
        Ok(engine.followed_now().reached(feed))
    }

    /// Never asked: what is heard goes through [`save`](Source::save).
    async fn apply_in(&self, _: &mut Tx, _: &Heard) -> Result<(), Error> {
        Err(Error::Unavailable)
    }

    async fn save(&self, _: &Db, feed: &'static str, heard: &[Heard], bookmark: Option<Advance>) -> Result<(), Error> {
        let env = &self.context.env;
        let correlation_id = match heard {
            [Heard { correlation_id: Some(correlation_id), .. }, ..] => correlation_id.clone(),
            _ => CorrelationId::parse(feed).expect("the name of a context"),
        };
        let call = Call::internal("weir.order_gate/follow", correlation_id, env.clock.now(), env.clock.today());
        let news = heard.iter().map(|heard| heard.news.clone()).collect();
        let bookmark = bookmark.map(|Advance { from, to }| Bookmark { feed, from, to });
        self.context.engine.ask(Ask::Hear { news, bookmark }, call).await?;
        Ok(())
    }
}

fn heard(
    header: Option<weir_wire::common::v1::EntryHeader>,
    news: Result<Option<News>, Fault>,
) -> Result<Option<Heard>, SourceError> {
    let news = news.map_err(SourceError::failed)?;
    let correlation_id = header.and_then(|header| CorrelationId::parse(&header.correlation_id).ok());
    Ok(news.map(|news| Heard { news, correlation_id }))
}

fn said(change: limits::v1::Change) -> Result<Option<News>, Fault> {
    match change.change {
        Some(limits::v1::change::Change::CreditAccount(change)) => credit(&change),
        Some(limits::v1::change::Change::Group(change)) => group(&change),
        // whatever else the context may come to tell is not read
        None => Ok(None),
    }
}

fn group(change: &limits::v1::GroupChange) -> Result<Option<News>, Fault> {
    let mut fields = Fields::default();
    let f = &mut fields;
    let group_id: Option<GroupId> = parse::id(f, "group_id", &change.group_id);
    let version = parse::whole(f, "version", change.version, (1, i64::MAX));
    let parent = parse::optional_id(f, "parent_group_id", &change.parent_group_id);
    let head = parse::optional_id(f, "head_account_id", &change.head_account_id);
    let limit = match &change.pool_limit {
        None => Some(None),
        some => parse::non_negative_money(f, "pool_limit", some.as_ref()).map(Some),
    };
    let news = (|| {
        let group = Group {
            version: version?,
            parent: parent?,
            shares_exposure: change.shares_exposure,
            inherits_block: change.inherits_block,
            limit: limit?,
            head: head?,
        };
        Some(Some(News::Group(group_id?, Arc::new(group))))
    })();
    fields.finish_with(news)
}

fn credit(change: &limits::v1::CreditAccountChange) -> Result<Option<News>, Fault> {
    let mut fields = Fields::default();
    let f = &mut fields;
    let account_id: Option<AccountId> = parse::id(f, "account_id", &change.account_id);
    let version = parse::whole(f, "version", change.version, (1, i64::MAX));
    let currency = parse::currency(f, "currency_code", &change.currency_code);
    let group_id = parse::optional_id(f, "group_id", &change.group_id);
    let segment = parse::optional_text(f, "segment", &change.segment, TEXT_MAX);
    let grade = parse::optional_one_of(f, "grade", change.grade);
    let limits: Vec<Option<EffectiveLimit>> =
        change.limits.iter().map(|limit| effective_limit(f, limit, currency)).collect();
    let temporary: Vec<Option<TemporaryLimit>> =
        change.temporary_limits.iter().map(|limit| temporary_limit(f, limit, currency)).collect();
    let freeze_reason = parse::optional_text(f, "freeze_reason", &change.freeze_reason, TEXT_MAX);
    let terms_days = parse::whole(f, "terms_days", change.terms_days.into(), (0, TERMS_DAYS_MAX));
    let review_date = parse::optional_date(f, "review_date", change.review_date.as_ref());
    let review = change.order_policy.as_ref().map(|policy| review(f, policy.review.as_ref(), currency));
    let country = parse::optional_country(f, "country_code", &change.country_code);
    let cover: Vec<Option<Cover>> = change.insurances.iter().map(|insurance| cover(f, insurance)).collect();
    let news = (|| {
        let credit = Credit {
            version: version?,
            currency: currency?,
            group_id: group_id?,
            shares_exposure: change.shares_exposure,
            inherits_block: change.inherits_block,
            segment: segment?,
            grade: grade?.and_then(read_grade),
            limits: limits.into_iter().collect::<Option<_>>()?,
            temporary_limits: temporary.into_iter().collect::<Option<_>>()?,
            frozen: change.frozen.then_some(freeze_reason?),
            terms_days: i32::try_from(terms_days?).ok()?,
            review: review.map_or(Some(None), |review| review.map(Some))?,
            review_date: review_date?,
            country: country?,
            cover: cover.into_iter().collect::<Option<_>>()?,
        };
        Some(Some(News::Credit(account_id?, Arc::new(credit))))
    })();
    fields.finish_with(news)
}

/// Of what is insured the gate keeps the days alone.
fn cover(f: &mut Fields, insurance: &limits::v1::CreditInsurance) -> Option<Cover> {
    let from = parse::date(f, "insurances.valid_from_date", insurance.valid_from_date.as_ref());
    let to = parse::date(f, "insurances.valid_to_date", insurance.valid_to_date.as_ref());
    Some(Cover { from: from?, to: to? })
}

fn read_grade(grade: weir_wire::common::v1::Grade) -> Option<Grade> {
    match grade {
        weir_wire::common::v1::Grade::Unspecified => None,
        weir_wire::common::v1::Grade::A => Some(Grade::A),
        weir_wire::common::v1::Grade::B => Some(Grade::B),
        weir_wire::common::v1::Grade::C => Some(Grade::C),
        weir_wire::common::v1::Grade::D => Some(Grade::D),
    }
}

fn amount(
    f: &mut Fields,
    path: &str,
    value: Option<&weir_wire::google::r#type::Money>,
    currency: Option<Currency>,
) -> Option<i64> {
    let money = parse::non_negative_money(f, path, value);
    parse::in_currency(f, path, money, currency).map(weir_model::Money::minor)
}

fn effective_limit(
    f: &mut Fields,
    limit: &limits::v1::EffectiveLimit,
    currency: Option<Currency>,
) -> Option<EffectiveLimit> {
    use limits::v1::limit::Kind;
    let path = "limits";
    let from = parse::date(f, path, limit.valid_from_date.as_ref());
    let to = parse::optional_date(f, path, limit.valid_to_date.as_ref());
    let limit = match limit.limit.as_ref().and_then(|limit| limit.kind.as_ref()) {
        Some(Kind::Amount(value)) => amount(f, path, Some(value), currency).map(Limit::Amount),
        Some(Kind::Unlimited(_)) => Some(Limit::Unlimited),
        Some(Kind::None(_)) | None => Some(Limit::None),
    };
    Some(EffectiveLimit { limit: limit?, from: from?, to: to? })
}

fn temporary_limit(
    f: &mut Fields,
    limit: &limits::v1::TemporaryLimit,
    currency: Option<Currency>,
) -> Option<TemporaryLimit> {
    use limits::v1::temporary_limit::Overlay as Wire;
    let path = "temporary_limits";
    let from = parse::date(f, path, limit.valid_from_date.as_ref());
    let to = parse::date(f, path, limit.valid_to_date.as_ref());
    let overlay = match &limit.overlay {
        Some(Wire::Delta(value)) => amount(f, path, Some(value), currency).map(Overlay::Delta),
        Some(Wire::Absolute(value)) => amount(f, path, Some(value), currency).map(Overlay::Absolute),
        None => {
            f.add(path, "does neither add nor replace");
            None
        }
    };
    Some(TemporaryLimit { overlay: overlay?, from: from?, to: to? })
}

fn review(
    f: &mut Fields,
    review: Option<&limits::v1::order_policy::Review>,
    currency: Option<Currency>,
) -> Option<Review> {
    use limits::v1::order_policy::Review as Wire;
    match review {
        Some(Wire::Above(value)) => amount(f, "order_policy.above", Some(value), currency).map(Review::Above),
        Some(Wire::EveryOrder(_)) => Some(Review::EveryOrder),
        Some(Wire::NoCredit(_)) => Some(Review::NoCredit),
        None => {
            f.add("order_policy", "names no review");
            None
        }
    }
}

fn position(change: receivables::v1::Change) -> Result<Option<News>, Fault> {
    let Some(receivables::v1::change::Change::Position(change)) = change.change else { return Ok(None) };
    let mut fields = Fields::default();
    let f = &mut fields;
    let account_id: Option<AccountId> = parse::id(f, "account_id", &change.account_id);
    let currency = parse::currency(f, "currency_code", &change.currency_code);
    let version = parse::whole(f, "version", change.version, (1, i64::MAX));
    let schedule: Vec<Option<Due>> = change
        .schedule
        .iter()
        .map(|due| {
            let date = parse::date(f, "schedule.due_date", due.due_date.as_ref());
            let open = amount(f, "schedule.open_amount", due.open_amount.as_ref(), currency);
            let disputed = match &due.disputed_amount {
                None => Some(0),
                some => amount(f, "schedule.disputed_amount", some.as_ref(), currency),
            };
            Some(Due { date: date?, open: open?, disputed: disputed? })
        })
        .collect();
    let unapplied_credit = match &change.unapplied_credit {
        None => Some(0),
        some => amount(f, "unapplied_credit", some.as_ref(), currency),
    };
    let behaviour = match &change.payment_behaviour {
        None => Some(None),
        Some(told) => behaviour(f, told, currency).map(Some),
    };
    let invoiced: Vec<Option<Invoiced>> = change
        .order_lines_invoiced
        .iter()
        .map(|line| {
            let order_id = parse::id(f, "order_lines_invoiced.order_id", &line.order_id);
            let line_id = parse::id(f, "order_lines_invoiced.line_id", &line.line_id);
            let invoiced = amount(f, "order_lines_invoiced.invoiced_amount", line.invoiced_amount.as_ref(), currency);
            Some(Invoiced { order_id: order_id?, line_id: line_id?, currency: currency?, invoiced: invoiced? })
        })
        .collect();
    let news = (|| {
        let position = Position {
            version: version?,
            schedule: schedule.into_iter().collect::<Option<_>>()?,
            unapplied_credit: unapplied_credit?,
            behaviour: behaviour?,
        };
        let invoiced = invoiced.into_iter().collect::<Option<_>>()?;
        if change.continues {
            return Some(Some(News::Invoiced(account_id?, currency?, position.version, invoiced)));
        }
        Some(Some(News::Position(account_id?, currency?, Arc::new(position), invoiced)))
    })();
    fields.finish_with(news)
}

/// Of how an account paid the gate keeps the index alone.
fn behaviour(
    f: &mut Fields,
    told: &receivables::v1::PaymentBehaviour,
    currency: Option<Currency>,
) -> Option<Behaviour> {
    let whole = |minor: Option<i64>| minor.map(Decimal::from);
    let path = "payment_behaviour.written_off_amount";
    let written_off = match &told.written_off_amount {
        None => Some(Decimal::ZERO),
        some => whole(amount(f, path, some.as_ref(), currency)),
    };
    let payments = told.settled.iter().map(|settled| {
        let path = "payment_behaviour.settled.settled_amount";
        let amount = whole(amount(f, path, settled.settled_amount.as_ref(), currency));
        Some(Payment { days_late: settled.days_late.into(), count: settled.item_count, amount: amount? })
    });
    let payments: Vec<Option<Payment>> = payments.collect();
    let payments: Vec<Payment> = payments.into_iter().collect::<Option<_>>()?;
    Some(Behaviour { payment_index: payment_index(&payments, written_off?) })
}

fn conduct(change: collections::v1::Change) -> Result<Option<News>, Fault> {
    let Some(collections::v1::change::Change::Standing(change)) = change.change else { return Ok(None) };
    let mut fields = Fields::default();
    let f = &mut fields;
    let account_id: Option<AccountId> = parse::id(f, "account_id", &change.account_id);
    let version = parse::whole(f, "version", change.version, (1, i64::MAX));
    let reason = parse::optional_text(f, "block_reason", &change.block_reason, TEXT_MAX);
    let news = (|| {
        let blocked = change.blocked.then_some(reason?);
        let conduct = Conduct { version: version?, blocked, dunning_level: change.dunning_level.max(0) };
        Some(Some(News::Conduct(account_id?, Arc::new(conduct))))
    })();
    fields.finish_with(news)
}
