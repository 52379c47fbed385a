//! What the gate learns from others: credit from limits, positions from receivables, conduct from collections. Each
//! piece goes through the engine's task, in one transaction with its bookmark.

mod credit;

use std::sync::Arc;

use futures::StreamExt as _;
use rust_decimal::Decimal;
use weir_model::{
    AccountId, Call, CorrelationId, Currency, Fault, FeedStep, Fields, Payment, SnapshotStep, SourceError,
    payment_index,
};
use weir_store::{
    Db, Tx,
    follow::{Advance, Follower, Line, Source},
};
use weir_wire::{Peer, collections, feed, parse, receivables};

use crate::draft::{Bookmark, Invoiced, News};
use crate::engine::Ask;
use crate::exposure::Due;
use crate::pulse::Feed;
use crate::standing::{Behaviour, Conduct, Position};
use crate::{Error, OrderGate};

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
            Feed::Limits => {
                feed::limits::snapshot(&self.peer, |header, change| heard(header, credit::said(change))).await
            }
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
            Feed::Limits => {
                feed::limits::watch(&self.peer, after, |header, change| heard(header, credit::said(change))).await
            }
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

fn amount(
    f: &mut Fields,
    path: &str,
    value: Option<&weir_wire::google::r#type::Money>,
    currency: Option<Currency>,
) -> Option<i64> {
    let money = parse::non_negative_money(f, path, value);
    parse::in_currency(f, path, money, currency).map(weir_model::Money::minor)
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
