//! The feed others follow, and the feeds followed here.

use std::sync::Arc;

use futures::{StreamExt as _, stream::BoxStream};
use tonic::{Request, Response, Status, service::Routes};
use weir_model::Principal;
use weir_store::{Db, bookmark, follow::Follower, follow::Source, on_both_databases, testing};
use weir_wire::{
    Peer,
    collections::v1::{
        self as pb, StandingChange, feed_service_client::FeedServiceClient, snapshot_response, watch_response,
    },
    common::v1::{EntryHeader, SnapshotEnd},
    emit,
    order_gate::v1 as gate,
    receivables::v1 as rec,
};

use super::world::{World, day, money};
use crate::follow;

fn block(world: &World, account: &str) -> pb::BlockAccountRequest {
    let (request_id, account_id) = (world.request(), account.to_owned());
    pb::BlockAccountRequest { request_id, account_id, reason: "test".to_owned() }
}

on_both_databases! {
    async fn the_feed_is_ordered_unique_reliable_resumable_and_bookmarkable(db: Db) {
        let world = World::new(db.clone()).await;
        testing::feed::all(&db, async |n| {
            world.client().block_account(block(&world, &format!("a{n}"))).await.unwrap();
        })
        .await;
    }

    async fn the_feed_tells_standings_and_leaves_the_rest_empty(db: Db) {
        let world = World::new(db).await;
        world.put_debtor("a1", pb::Language::En).await;
        let token = world.client().block_account(block(&world, "a1")).await.unwrap().into_inner().token.unwrap();
        let mut client = FeedServiceClient::new(world.peer("gate"));
        let mut watch = client.watch(pb::WatchRequest { after_position: 0 }).await.unwrap().into_inner();
        let mut entries = Vec::new();
        while entries.len() < 2 {
            match watch.next().await.unwrap().unwrap().step.unwrap() {
                watch_response::Step::Entry(entry) => entries.push(entry),
                watch_response::Step::Heartbeat(_) => {}
            }
        }
        assert!(entries[0].change.is_none(), "contact data is nobody else's business");
        let header = entries[1].header.clone().unwrap();
        assert_eq!((header.position, header.kind.as_str()), (2, "account_blocked"));
        assert_eq!(token.positions[0].position, 2);
        assert_eq!(
            entries[1].change.clone().unwrap().change.unwrap(),
            pb::change::Change::Standing(StandingChange {
                account_id: "a1".to_owned(),
                version: 1,
                blocked: true,
                block_reason: "test".to_owned(),
                blocked_by: "collector-1".to_owned(),
                dunning_level: 0,
            })
        );
    }

    async fn a_snapshot_holds_every_standing_and_ends_with_a_position(db: Db) {
        let world = World::new(db).await;
        for account in ["a1", "a2", "a3"] {
            world.client().block_account(block(&world, account)).await.unwrap();
        }
        let mut client = FeedServiceClient::new(world.peer("gate"));
        let steps: Vec<_> = client.snapshot(pb::SnapshotRequest {}).await.unwrap().into_inner().collect().await;
        let steps: Vec<_> = steps.into_iter().map(|step| step.unwrap().step.unwrap()).collect();
        assert_eq!(steps.len(), 4);
        assert_eq!(steps[3], snapshot_response::Step::End(SnapshotEnd { position: 3 }));
    }

    async fn a_debt_told_by_receivables_is_known_and_its_position_kept(db: Db) {
        let world = World::new(db.clone()).await;
        let told = vec![position("a1", 1, vec![open_item("inv-1", 500, 1)])];
        let mut follower = follow::receivables(&world.context, receivables(told));
        until_caught_up(&mut follower, 1).await;
        assert_eq!(bookmark::get(&db, "receivables").await.unwrap(), Some(1));
        let ran = world.run(day(1)).await;
        assert_eq!(ran.opened_case_count, 1);
        let case = &world.cases("a1").await[0];
        assert_eq!(case.overdue_amount, Some(emit::money(money(500))));
    }

    async fn a_hold_is_told_once_each_to_the_finance_manager_and_the_sales_head(db: Db) {
        let world = World::new(db.clone()).await;
        let held = |version: i64, state: gate::HoldState| hold("h1", version, state);
        let told = vec![
            held(1, gate::HoldState::Held),
            held(2, gate::HoldState::Held),
            held(3, gate::HoldState::Approved),
            held(4, gate::HoldState::Held),
        ];
        let mut follower = follow::order_gate(&world.context, order_gate(told.clone()));
        until_caught_up(&mut follower, 4).await;
        while world.context.send_step().await.unwrap() > 0 {}

        // the feed is told all over again
        let mut tx = db.begin().await.unwrap();
        bookmark::save_in(&mut tx, "order_gate", 0).await.unwrap();
        tx.commit().await.unwrap();
        let mut again = follow::order_gate(&world.context, order_gate(told));
        until_caught_up(&mut again, 4).await;
        while world.context.send_step().await.unwrap() > 0 {}

        let request = pb::ListNoticesRequest { hold_id: "h1".to_owned(), ..pb::ListNoticesRequest::default() };
        let notices = world.client().list_notices(request).await.unwrap().into_inner().notices;
        let mut told: Vec<_> = notices.iter().map(|n| (n.kind(), n.recipients[0].as_str(), n.state())).collect();
        told.sort_by_key(|(kind, ..)| *kind as i32);
        assert_eq!(
            told,
            [
                (pb::NoticeKind::HoldFinanceManager, "finance.manager@weir.example", pb::NoticeState::Sent),
                (pb::NoticeKind::HoldSalesHead, "sales.head@weir.example", pb::NoticeState::Sent),
            ]
        );
        assert_eq!(world.files().len(), 2);
        assert!(notices[0].body_text.contains("30,000.00 more than the limit"), "{}", notices[0].body_text);
    }
}

async fn until_caught_up<S: Source>(follower: &mut Follower<S>, position: i64) {
    while follower.status().borrow().position != Some(position) {
        testing::soon("the next step", follower.step()).await.map_err(|_| "a step failed").unwrap();
    }
}

fn open_item(id: &str, minor: i64, version: i64) -> rec::OpenItem {
    rec::OpenItem {
        item_id: id.to_owned(),
        account_id: "a1".to_owned(),
        kind: rec::ItemKind::Invoice.into(),
        document_number: id.to_owned(),
        document_date: Some(emit::date(day(-30))),
        due_date: Some(emit::date(day(0))),
        amount: Some(emit::money(money(minor))),
        open_amount: Some(emit::money(money(minor))),
        state: rec::ItemState::Open.into(),
        version,
        ..rec::OpenItem::default()
    }
}

fn position(account: &str, version: i64, items: Vec<rec::OpenItem>) -> rec::Change {
    let position = rec::PositionChange {
        account_id: account.to_owned(),
        currency_code: "CNY".to_owned(),
        version,
        items,
        ..rec::PositionChange::default()
    };
    rec::Change { change: Some(rec::change::Change::Position(position)) }
}

fn hold(id: &str, version: i64, state: gate::HoldState) -> gate::Change {
    let failure = gate::RuleFailure {
        rule: gate::Rule::LimitExceeded.into(),
        message: "30,000.00 more than the limit".to_owned(),
        ..gate::RuleFailure::default()
    };
    let hold = gate::Hold {
        hold_id: id.to_owned(),
        order_id: "o1".to_owned(),
        account_id: "a1".to_owned(),
        state: state.into(),
        required_amount: Some(emit::money(money(5_000_000))),
        failures: vec![failure],
        version,
        correlation_id: "order-o1".to_owned(),
        ..gate::Hold::default()
    };
    gate::Change { change: Some(gate::change::Change::Hold(hold)) }
}

fn peer(routes: Routes) -> Peer {
    let principal = Principal::service("weir");
    Peer::new(
        routes,
        Arc::new(move |request: &mut http::Request<tonic::body::Body>| {
            request.extensions_mut().insert(principal.clone());
        }),
    )
}

macro_rules! told {
    ($name:ident, $module:ident) => {
        /// A feed that tells these changes from position 1 on, and nothing in its snapshot.
        fn $name(changes: Vec<$module::Change>) -> Peer {
            use $module::feed_service_server::{FeedService, FeedServiceServer};
            struct Told(Vec<$module::Change>);
            #[tonic::async_trait]
            impl FeedService for Told {
                type SnapshotStream = BoxStream<'static, Result<$module::SnapshotResponse, Status>>;
                type WatchStream = BoxStream<'static, Result<$module::WatchResponse, Status>>;
                async fn snapshot(
                    &self,
                    _: Request<$module::SnapshotRequest>,
                ) -> Result<Response<Self::SnapshotStream>, Status> {
                    let end = $module::snapshot_response::Step::End(SnapshotEnd { position: 0 });
                    let end = $module::SnapshotResponse { step: Some(end) };
                    Ok(Response::new(futures::stream::iter([Ok(end)]).boxed()))
                }
                async fn watch(
                    &self,
                    request: Request<$module::WatchRequest>,
                ) -> Result<Response<Self::WatchStream>, Status> {
                    let after = request.get_ref().after_position;
                    let entries = (1..).zip(self.0.clone()).filter(move |(position, _)| *position > after);
                    let entries = entries.map(|(position, change)| {
                        let header = EntryHeader { position, ..EntryHeader::default() };
                        let entry = $module::Entry { header: Some(header), change: Some(change) };
                        let step = $module::watch_response::Step::Entry(entry);
                        Ok($module::WatchResponse { step: Some(step) })
                    });
                    let entries = futures::stream::iter(entries.collect::<Vec<_>>());
                    Ok(Response::new(entries.chain(futures::stream::pending()).boxed()))
                }
            }
            peer(Routes::new(FeedServiceServer::new(Told(changes))))
        }
    };
}

told!(receivables, rec);
told!(order_gate, gate);
