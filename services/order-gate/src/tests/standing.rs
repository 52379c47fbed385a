//! How accounts stand, how fresh answers are, and who may ask.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Code, Request};
use weir_runtime::edge::Deadline;
use weir_store::{Db, on_both_databases};
use weir_wire::common::v1::{Context, FeedPosition, Token};
use weir_wire::order_gate::v1::{self as wire, Outcome};

use super::world::{World, account, credit, date, order, owed, reason, today, units};
use crate::draft::{Bookmark, News};
use crate::exposure::Due;
use crate::pulse::Feed;
use crate::standing::{Credit, Position};

fn token(context: Context, position: i64) -> Option<Token> {
    Some(Token { positions: vec![FeedPosition { context: context.into(), position }] })
}

fn check(at_least_as_fresh: Option<Token>) -> wire::CheckOrderRequest {
    wire::CheckOrderRequest { order: Some(order("o-1", "acme", 10)), at_least_as_fresh, ..Default::default() }
}

fn within<T>(request: T, patience: Duration) -> Request<T> {
    let mut request = Request::new(request);
    request.extensions_mut().insert(Deadline::after(patience));
    request
}

on_both_databases! {
    async fn the_exposure_vector_is_told_with_limit_headroom_and_versions(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", Credit { version: 7, ..credit(1_000) }).await;
        let due = |day, open: i64, disputed: i64| Due { date: date(2026, 3, day), open: open * 100, disputed: disputed * 100 };
        let schedule = vec![due(1, 100, 40), due(31, 50, 0)];
        world.owes("acme", Position { version: 3, schedule, unapplied_credit: 2_000, behaviour: None }).await;
        world.authorize(order("o-1", "acme", 200)).await;
        world.deliver("o-1", "d-1", &[("1", 80)]).await;
        world.conduct("acme", 2, None, 1).await;
        let standing = world.standing("acme").await;
        let exposure = standing.exposure.unwrap();
        let vector = [
            exposure.open_not_due,
            exposure.overdue,
            exposure.disputed,
            exposure.ordered,
            exposure.delivered_not_billed,
            exposure.unapplied_credit,
            exposure.gross,
            exposure.net,
        ];
        assert_eq!(vector.map(|part| units(part.as_ref())), [50, 100, 40, 120, 80, 20, 350, 330]);
        assert_eq!((units(standing.limit.as_ref()), units(standing.headroom.as_ref())), (1_000, 670));
        assert_eq!(standing.utilisation_percent.unwrap().value, "33");
        assert_eq!((standing.limit_version, standing.position_version, standing.standing_version), (7, 3, 2));
        assert_eq!((standing.dunning_level, standing.oldest_overdue_days, standing.over_limit), (1, 30, false));
    }

    async fn a_limit_lowered_below_the_exposure_flags_the_account(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.authorize(order("o-1", "acme", 90)).await;
        world.credit("acme", Credit { version: 2, ..credit(50) }).await;
        let standing = world.standing("acme").await;
        assert!(standing.over_limit);
        assert_eq!(units(standing.headroom.as_ref()), 0);
        assert_eq!(world.net("acme").await, 90, "what passed is not taken back");
        assert_eq!(world.authorize(order("o-2", "acme", 1)).await.outcome(), Outcome::Hold);
    }

    async fn a_frozen_account_has_no_headroom_and_says_why(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", Credit { frozen: Some("litigation".to_owned()), ..credit(100) }).await;
        let standing = world.standing("acme").await;
        assert_eq!(units(standing.headroom.as_ref()), 0);
        assert_eq!((standing.frozen, standing.freeze_reason.as_str()), (true, "litigation"));
    }

    async fn an_account_nobody_spoke_of_is_not_found(db: Db) {
        let world = World::new(db).await;
        let request = wire::GetStandingRequest { account_id: "acme".to_owned(), ..Default::default() };
        assert_eq!(world.pipeline().get_standing(request).await.unwrap_err().code(), Code::NotFound);
    }

    async fn midnight_needs_no_job(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        world.owes("acme", owed(1, 500)).await;
        let at = |date| wire::GetStandingRequest {
            account_id: "acme".to_owned(),
            business_date: Some(weir_wire::emit::date(date)),
            ..Default::default()
        };
        for (day, overdue) in [(date(2026, 4, 10), 0), (date(2026, 4, 11), 500)] {
            let standing = world.pipeline().get_standing(at(day)).await.unwrap().into_inner();
            assert_eq!(units(standing.exposure.unwrap().overdue.as_ref()), overdue, "{day}");
        }
    }

    async fn a_bookmark_moves_with_the_effect_and_survives(db: Db) {
        let world = World::new(db).await;
        let news = vec![News::Credit(account("acme"), Arc::new(credit(100)))];
        let bookmark = Bookmark { feed: Feed::Limits.as_str(), from: None, to: 41 };
        world.hear_at(news, Some(bookmark)).await;
        assert_eq!(world.gate.engine.followed_now().limits, Some(41));
        let again = world.reopened().await;
        let decision = again.check(order("o-1", "acme", 10)).await;
        let followed = vec![FeedPosition { context: Context::Limits.into(), position: 41 }];
        assert_eq!(decision.based_on.unwrap().positions, followed);
    }

    async fn an_answer_counts_the_write_its_caller_names(db: Db) {
        let world = World::new(db).await;
        world.hear_at(Vec::new(), Some(Bookmark { feed: "limits", from: None, to: 1 })).await;
        let mut client = world.pipeline();
        let asked = tokio::spawn(async move { client.check_order(check(token(Context::Limits, 2))).await });
        tokio::task::yield_now().await;
        let news = vec![News::Credit(account("acme"), Arc::new(credit(100)))];
        world.hear_at(news, Some(Bookmark { feed: "limits", from: Some(1), to: 2 })).await;
        let decision = asked.await.unwrap().unwrap().into_inner().decision.unwrap();
        assert_eq!(decision.outcome(), Outcome::Approve);
    }

    async fn freshness_not_reached_in_time_is_no_decision(db: Db) {
        let world = World::new(db).await;
        let request = within(check(token(Context::Receivables, 1)), Duration::from_millis(20));
        let status = world.pipeline().check_order(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "NOT_FRESH"));
        let own = check(token(Context::OrderGate, 1));
        assert_eq!(reason(&world.pipeline().check_order(own).await.unwrap_err()), "NOT_FRESH");
    }

    async fn a_write_of_the_gate_itself_is_counted_at_once(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        let request = wire::AuthorizeOrderRequest { order: Some(order("o-2", "acme", 10)), ..Default::default() };
        let token = world.pipeline().authorize_order(request).await.unwrap().into_inner().token;
        let decision = world.pipeline().check_order(check(token)).await.unwrap().into_inner().decision.unwrap();
        assert_eq!(units(decision.exposure_before.unwrap().net.as_ref()), 10);
    }

    async fn staleness_is_told_and_the_gate_is_ready_once_all_feeds_were_reached(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.env.clock.advance(chrono::Duration::seconds(3));
        let never = 1_774_944_003_000;
        assert_eq!(world.check(order("o-1", "acme", 10)).await.staleness_ms, never, "counted from 1970");
        world.gate.caught_up(Feed::Limits);
        world.gate.caught_up(Feed::Collections);
        assert_eq!(world.standing("acme").await.staleness_ms, never, "one of three was never heard of");
        assert!(!world.gate.ready());
        for feed in [Feed::Limits, Feed::Receivables, Feed::Collections] {
            world.gate.caught_up(feed);
        }
        assert!(world.gate.ready());
        world.env.clock.advance(chrono::Duration::milliseconds(40));
        assert_eq!(world.check(order("o-1", "acme", 10)).await.staleness_ms, 40);
        assert_eq!(world.check(order("o-1", "acme", 10)).await.business_date, Some(weir_wire::emit::date(today())));
    }
}

#[test]
fn sales_may_not_have_a_hold_checked_again() {
    let recheck = crate::api::ACCESS.iter().find(|(rpc, _)| rpc.ends_with("/RecheckHold")).unwrap();
    assert!(!recheck.1.contains(&weir_model::Role::Sales));
}

#[test]
fn every_rpc_has_its_roles() {
    let unlisted = weir_runtime::edge::unlisted_methods(crate::api::ACCESS, weir_wire::FILE_DESCRIPTOR_SET).unwrap();
    let ours: Vec<_> = unlisted.iter().filter(|path| path.starts_with("/weir.order_gate.")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}
