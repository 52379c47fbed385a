//! Orders on streams, as a busy order pipeline would send them: a few streams, each with as many orders under way as a
//! closed loop has callers.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use anyhow::{Context as _, ensure};
use futures::{Stream, StreamExt as _, channel::mpsc};
use weir_wire::order_gate::v1::{
    self as wire, authorize_orders_response::Result as Authorized, check_orders_response::Result as Checked,
};

use crate::{
    contender::{CONNECTIONS, Grpc, passes},
    orders::{Ask, Orders},
};

/// Streams at once: one a connection.
pub(crate) const STREAMS: usize = CONNECTIONS;

/// Which rpc.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// `AuthorizeOrders`.
    Authorize,
    /// `CheckOrders`.
    Check,
}

/// Streams of one rpc.
#[derive(Debug)]
pub(crate) struct Streams {
    grpc: Grpc,
    kind: Kind,
}

impl Streams {
    pub(crate) fn new(grpc: Grpc, kind: Kind) -> Self {
        Streams { grpc, kind }
    }

    /// One stream, with so many orders under way until `note` says that it is enough: it is told of every answer, and of
    /// when the order was sent.
    pub(crate) async fn run(
        &self,
        orders: &Arc<Orders>,
        under_way: usize,
        note: impl FnMut(anyhow::Result<()>, Instant) -> bool,
    ) -> anyhow::Result<()> {
        match self.kind {
            Kind::Authorize => {
                let (asks, messages) = mpsc::channel(under_way);
                let messages = messages
                    .map(|ask: Ask| wire::AuthorizeOrdersRequest { order: Some(ask.order()), ..Default::default() });
                let answers = self.grpc.client()?.authorize_orders(self.grpc.request(messages)).await?.into_inner();
                let answers = answers.map(|answer| match answer?.result {
                    Some(Authorized::Answer(answer)) => passes(answer.decision.as_ref()),
                    other => Err(anyhow::anyhow!("{other:?}")),
                });
                keep(asks, answers, (orders, under_way), note).await
            }
            Kind::Check => {
                let (asks, messages) = mpsc::channel(under_way);
                let messages = messages
                    .map(|ask: Ask| wire::CheckOrdersRequest { order: Some(ask.order()), ..Default::default() });
                let answers = self.grpc.client()?.check_orders(self.grpc.request(messages)).await?.into_inner();
                let answers = answers.map(|answer| match answer?.result {
                    Some(Checked::Answer(answer)) => passes(answer.decision.as_ref()),
                    other => Err(anyhow::anyhow!("{other:?}")),
                });
                keep(asks, answers, (orders, under_way), note).await
            }
        }
    }
}

/// Sends an order for every answer, which come in the order of the requests.
async fn keep(
    mut asks: mpsc::Sender<Ask>,
    answers: impl Stream<Item = anyhow::Result<()>>,
    (orders, under_way): (&Arc<Orders>, usize),
    mut note: impl FnMut(anyhow::Result<()>, Instant) -> bool,
) -> anyhow::Result<()> {
    let mut answers = std::pin::pin!(answers);
    let mut asked = VecDeque::with_capacity(under_way);
    for _ in 0..under_way {
        asked.push_back(Instant::now());
        asks.try_send(orders.next())?;
    }
    while let Some(answer) = answers.next().await {
        let since = asked.pop_front().context("an answer nobody asked for")?;
        if note(answer, since) {
            asked.push_back(Instant::now());
            asks.try_send(orders.next())?;
        } else {
            asks.disconnect();
        }
    }
    ensure!(asked.is_empty(), "{} orders were not answered", asked.len());
    Ok(())
}
