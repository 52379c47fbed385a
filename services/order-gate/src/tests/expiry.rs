//! Commitments nobody delivers run out (rule 5.11).

use chrono::{Days, NaiveDate};
use weir_store::{Db, on_both_databases};
use weir_wire::emit;
use weir_wire::order_gate::v1::{self as wire, CommitmentState, HoldState, Outcome};

use super::world::{World, credit, date, order, owed, today};
use crate::commitment::has_run_out;

#[test]
fn a_commitment_counts_up_to_the_last_of_its_days() {
    let day = |days| today().checked_add_days(Days::new(days)).unwrap();
    for (days, on, expected) in [(0, day(0), false), (0, day(1), true), (30, day(30), false), (30, day(31), true)] {
        assert_eq!(has_run_out(Some(today()), days, on), expected, "{days} days, {on}");
    }
    assert!(!has_run_out(None, 0, day(9_000)));
    assert!(!has_run_out(Some(NaiveDate::MAX), 1, NaiveDate::MAX));
}

/// A gate with a limit of 100 where commitments count for ten days.
async fn ten_days(db: Db) -> World {
    let world = World::new(db).await;
    world.credit("acme", credit(100)).await;
    let policy = wire::Policy { commitment_days: Some(10), ..Default::default() };
    let request = wire::ActivatePolicyRequest { policy: Some(policy), reason: "tidy".to_owned(), ..Default::default() };
    world.manager("admin-1", 0).activate_policy(request).await.unwrap();
    world
}

impl World {
    /// Days go by, each with its work.
    async fn pass_days(&self, days: usize) {
        for _ in 0..days {
            self.env.clock.advance(chrono::Duration::days(1));
            self.pass_day_steps().await;
        }
    }

    async fn state(&self, order: &str) -> CommitmentState {
        let request = wire::GetCommitmentRequest { order_id: order.to_owned() };
        let response = self.pipeline().get_commitment(request).await.unwrap().into_inner();
        response.commitment.unwrap().state()
    }
}

on_both_databases! {
    async fn what_nobody_delivers_expires_and_leaves_its_room_to_the_oldest_hold(db: Db) {
        let world = ten_days(db).await;
        world.authorize(order("o-1", "acme", 80)).await;
        let held = world.authorize(order("o-2", "acme", 70)).await;
        world.pass_days(10).await;
        assert_eq!(world.state("o-1").await, CommitmentState::Live);
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Held);
        world.pass_days(1).await;
        assert_eq!(world.state("o-1").await, CommitmentState::Expired);
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Approved);
        assert_eq!(world.net("acme").await, 70);
        let again = world.reopened().await;
        assert_eq!(again.net("acme").await, 70);
    }

    async fn an_expiry_is_a_fact_in_the_journal_told_once(db: Db) {
        let world = ten_days(db).await;
        world.authorize(order("o-1", "acme", 80)).await;
        world.pass_days(13).await;
        let journal = world.journal().await;
        let expired: Vec<_> = journal
            .iter()
            .filter(|entry| entry.kind == "commitment_changed")
            .map(|entry| entry.after_as::<crate::dossier::Commitment>().unwrap())
            .filter(|commitment| commitment.state == crate::commitment::CommitmentState::Expired)
            .collect();
        assert_eq!(expired.len(), 1);
        assert_eq!((expired[0].order_id.as_str(), expired[0].ordered), ("o-1", 0));
    }

    async fn the_days_count_from_the_ship_date_where_it_is_known(db: Db) {
        let world = ten_days(db).await;
        let ships = Some(emit::date(date(2026, 4, 2)));
        world.authorize(wire::Order { ship_date: ships, ..order("o-1", "acme", 80) }).await;
        world.pass_days(12).await;
        assert_eq!(world.state("o-1").await, CommitmentState::Live);
        world.pass_days(1).await;
        assert_eq!(world.state("o-1").await, CommitmentState::Expired);
    }

    async fn what_is_delivered_or_invoiced_in_part_does_not_expire(db: Db) {
        let world = ten_days(db).await;
        world.authorize(order("o-1", "acme", 40)).await;
        world.authorize(order("o-2", "acme", 40)).await;
        world.deliver("o-1", "d-1", &[("1", 1)]).await;
        world.invoiced("acme", owed(1, 1), "o-2", &[("1", 1)]).await;
        world.pass_days(20).await;
        assert_eq!(world.net("acme").await, 80);
    }

    async fn an_expired_order_is_asked_anew_by_a_later_revision_and_counts_what_is_delivered_after_all(db: Db) {
        let world = ten_days(db).await;
        world.authorize(order("o-1", "acme", 40)).await;
        world.authorize(order("o-2", "acme", 40)).await;
        world.pass_days(11).await;
        assert_eq!(world.net("acme").await, 0);
        let anew = world.amend(wire::Order { revision: 2, ..order("o-1", "acme", 50) }).await;
        assert_eq!(anew.outcome(), Outcome::Approve);
        assert_eq!(world.state("o-1").await, CommitmentState::Live);
        world.deliver("o-2", "d-1", &[("1", 30)]).await;
        assert_eq!(world.net("acme").await, 80);
        assert_eq!(world.state("o-2").await, CommitmentState::Live);
    }

    async fn without_days_in_the_policy_nothing_expires(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.authorize(order("o-1", "acme", 40)).await;
        world.env.clock.advance(chrono::Duration::days(4_000));
        world.pass_day_steps().await;
        assert_eq!(world.net("acme").await, 40);
    }
}
