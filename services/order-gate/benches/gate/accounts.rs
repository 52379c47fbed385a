//! What the other contexts tell the gate before it is measured: accounts with room for everything, each with three due
//! dates where it is asked for. The gate follows them as it follows the real ones.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, stream, stream::BoxStream};
use tonic::{Request, Response, Status, async_trait, service::Routes};
use weir_order_gate::{OrderGate, follow};
use weir_wire::{
    Peer, collections, common::v1 as common, google::r#type as pb, limits, limits::v1::CreditAccountChange, receivables,
};

use crate::orders::account;

/// Position of the snapshot; nothing happens afterwards.
const POSITION: i64 = 1;
/// How often a feed says that nothing happened.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// Starts following; the gate is ready once it has heard everything.
pub(crate) fn tell(gate: &Arc<OrderGate>, accounts: Accounts) {
    let teller = Teller(accounts);
    let routes = Routes::new(limits::v1::feed_service_server::FeedServiceServer::new(teller))
        .add_service(receivables::v1::feed_service_server::FeedServiceServer::new(teller))
        .add_service(collections::v1::feed_service_server::FeedServiceServer::new(teller));
    let peer = Peer::new(routes, Arc::new(|_| ()));
    let followers =
        [follow::limits(gate, peer.clone()), follow::receivables(gate, peer.clone()), follow::collections(gate, peer)];
    for mut follower in followers {
        tokio::spawn(async move { follower.run().await });
    }
}

/// Which accounts there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accounts {
    pub(crate) count: u64,
    /// Whether they owe something.
    pub(crate) owe: bool,
}

/// Feeds that had their snapshot and are silent.
#[derive(Debug, Clone, Copy)]
struct Teller(Accounts);

macro_rules! teller {
    ($context:ident, $changes:expr) => {
        #[async_trait]
        impl $context::v1::feed_service_server::FeedService for Teller {
            type SnapshotStream = BoxStream<'static, Result<$context::v1::SnapshotResponse, Status>>;
            type WatchStream = BoxStream<'static, Result<$context::v1::WatchResponse, Status>>;

            async fn snapshot(
                &self,
                _: Request<$context::v1::SnapshotRequest>,
            ) -> Result<Response<Self::SnapshotStream>, Status> {
                use $context::v1::{SnapshotResponse, snapshot_response::Step};
                let end = Step::End(common::SnapshotEnd { position: POSITION });
                let changes = ($changes)(self.0).map(Step::Change).chain(stream::iter([end]));
                Ok(Response::new(changes.map(|step| Ok(SnapshotResponse { step: Some(step) })).boxed()))
            }

            async fn watch(
                &self,
                _: Request<$context::v1::WatchRequest>,
            ) -> Result<Response<Self::WatchStream>, Status> {
                use $context::v1::{WatchResponse, watch_response::Step};
                let beat =
                    || Ok(WatchResponse { step: Some(Step::Heartbeat(common::Heartbeat { position: POSITION })) });
                let later = stream::unfold((), move |()| async move {
                    tokio::time::sleep(HEARTBEAT).await;
                    Some((beat(), ()))
                });
                let beats = stream::iter([beat()]).chain(later);
                Ok(Response::new(beats.boxed()))
            }
        }
    };
}

teller!(limits, |accounts: Accounts| stream::iter((0..accounts.count).map(credit)));
teller!(receivables, |accounts: Accounts| {
    stream::iter((0..if accounts.owe { accounts.count } else { 0 }).map(position))
});
teller!(collections, |_| stream::empty::<collections::v1::Change>());

/// What an account owes: three invoices, none overdue.
fn position(n: u64) -> receivables::v1::Change {
    use receivables::v1::{DueAmount, PositionChange, change::Change};
    let due = |month| DueAmount {
        due_date: Some(pb::Date { year: 2100, month, day: 1 }),
        open_amount: Some(pb::Money { currency_code: "CNY".to_owned(), units: 1_000, nanos: 0 }),
        ..DueAmount::default()
    };
    let change = PositionChange {
        account_id: account(n),
        currency_code: "CNY".to_owned(),
        version: 1,
        schedule: (1..=3).map(due).collect(),
        ..PositionChange::default()
    };
    receivables::v1::Change { change: Some(Change::Position(change)) }
}

/// An account of grade A with room for everything and no review.
fn credit(n: u64) -> limits::v1::Change {
    use limits::v1::{EffectiveLimit, Limit, OrderPolicy, change::Change, limit::Kind, order_policy::Review};
    let plenty = pb::Money { currency_code: "CNY".to_owned(), units: 10_000_000_000_000, nanos: 0 };
    let limit = EffectiveLimit {
        limit: Some(Limit { kind: Some(Kind::Amount(plenty.clone())) }),
        valid_from_date: Some(pb::Date { year: 2020, month: 1, day: 1 }),
        ..EffectiveLimit::default()
    };
    let change = CreditAccountChange {
        account_id: account(n),
        version: 1,
        currency_code: "CNY".to_owned(),
        grade: common::Grade::A.into(),
        limits: vec![limit],
        terms_days: 60,
        order_policy: Some(OrderPolicy { review: Some(Review::Above(plenty)) }),
        ..CreditAccountChange::default()
    };
    limits::v1::Change { change: Some(Change::CreditAccount(change)) }
}
