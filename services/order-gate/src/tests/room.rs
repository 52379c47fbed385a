//! Room that comes free goes to the oldest held order that fits, however it came free (rule 5.7); and an order opened
//! again is checked again (rule 5.6).

use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{self as wire, Checkpoint, HoldState, Outcome, Rule};

use super::world::{World, amount, credit, order, owed, rules};
use crate::standing::{Credit, Review};

async fn ask(world: &World, revision: i32, order: wire::Order, checkpoint: Checkpoint) -> wire::Decision {
    let order = Some(wire::Order { revision, ..order });
    let request = wire::AuthorizeOrderRequest { order, checkpoint: checkpoint.into(), ..Default::default() };
    world.pipeline().authorize_order(request).await.unwrap().into_inner().decision.unwrap()
}

async fn release(world: &World, hold_id: &str) {
    let (hold_id, reason) = (hold_id.to_owned(), "known customer".to_owned());
    let request = wire::ReleaseHoldRequest { hold_id, reason, ..Default::default() };
    world.manager("manager-1", 1_000).release_hold(request).await.unwrap();
}

async fn cancel(world: &World, order: &str) {
    let request = wire::CancelOrderRequest { order_id: order.to_owned(), ..Default::default() };
    world.pipeline().cancel_order(request).await.unwrap();
}

async fn state(world: &World, hold_id: &str) -> HoldState {
    world.hold(hold_id).await.state()
}

/// A limit of 100 taken by `o-1`, and `o-2` of 60 held at a later checkpoint.
async fn full(db: Db) -> (World, wire::Decision) {
    let world = World::new(db).await;
    world.credit("acme", credit(100)).await;
    assert_eq!(
        ask(&world, 1, order("o-1", "acme", 100), Checkpoint::Contract).await.outcome(),
        Outcome::ApproveWithWarnings
    );
    let held = ask(&world, 1, order("o-2", "acme", 60), Checkpoint::Delivery).await;
    assert_eq!(rules(&held), [Rule::LimitExceeded]);
    (world, held)
}

on_both_databases! {
    async fn a_smaller_revision_that_is_released_leaves_its_room(db: Db) {
        let (world, waits) = full(db).await;
        world.credit("acme", Credit { version: 2, review: Some(Review::EveryOrder), ..credit(100) }).await;
        let reviewed = ask(&world, 2, order("o-1", "acme", 40), Checkpoint::Order).await;
        assert_eq!(rules(&reviewed), [Rule::GradeReview]);
        release(&world, &reviewed.hold_id).await;
        assert_eq!(state(&world, &waits.hold_id).await, HoldState::Approved);
        assert_eq!(world.net("acme").await, 40 + 60);
    }

    async fn a_smaller_revision_that_passes_by_itself_leaves_its_room_to_an_older_hold(db: Db) {
        let (world, waits) = full(db).await;
        world.conduct("acme", 1, None, 3).await;
        let dunned = ask(&world, 2, order("o-1", "acme", 40), Checkpoint::Order).await;
        assert_eq!(rules(&dunned), [Rule::DunningLevelExceeded]);
        world.conduct("acme", 2, None, 0).await;
        assert_eq!(state(&world, &dunned.hold_id).await, HoldState::Approved);
        assert_eq!(state(&world, &waits.hold_id).await, HoldState::Approved);
        assert_eq!(world.net("acme").await, 40 + 60);
    }

    async fn an_order_that_moves_to_another_account_by_itself_leaves_its_room(db: Db) {
        let (world, waits) = full(db).await;
        world.credit("globex", credit(50)).await;
        let moved = ask(&world, 2, order("o-1", "globex", 100), Checkpoint::Order).await;
        assert_eq!(rules(&moved), [Rule::LimitExceeded]);
        world.credit("globex", Credit { version: 2, ..credit(200) }).await;
        assert_eq!(state(&world, &moved.hold_id).await, HoldState::Approved);
        assert_eq!(state(&world, &waits.hold_id).await, HoldState::Approved);
        assert_eq!((world.net("acme").await, world.net("globex").await), (60, 100));
    }

    async fn an_invoice_to_one_account_leaves_room_for_what_waits_at_another(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.credit("globex", credit(50)).await;
        world.authorize(order("o-1", "acme", 100)).await;
        let moved = world.amend(wire::Order { revision: 2, ..order("o-1", "globex", 100) }).await;
        assert_eq!(rules(&moved), [Rule::LimitExceeded]);
        world.invoiced("acme", owed(1, 60), "o-1", &[("1", 60)]).await;
        assert_eq!(state(&world, &moved.hold_id).await, HoldState::Approved);
        assert_eq!((world.net("acme").await, world.net("globex").await), (60, 40));
    }

    async fn a_release_does_not_cover_an_order_that_is_opened_again(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        let held = world.authorize(order("o-1", "acme", 150)).await;
        release(&world, &held.hold_id).await;
        cancel(&world, "o-1").await;
        let again = world.amend(wire::Order { revision: 2, ..order("o-1", "acme", 150) }).await;
        assert_eq!((again.outcome(), rules(&again)), (Outcome::Hold, vec![Rule::LimitExceeded]));
        assert_eq!(world.net("acme").await, 0);
    }

    async fn a_release_goes_on_covering_an_order_a_part_of_which_is_cancelled(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        let held = world.authorize(order("o-1", "acme", 150)).await;
        release(&world, &held.hold_id).await;
        let line = wire::LineCancellation { line_id: "1".to_owned(), cancelled_amount: amount(20) };
        let request = wire::CancelOrderRequest { order_id: "o-1".to_owned(), lines: vec![line], ..Default::default() };
        world.pipeline().cancel_order(request).await.unwrap();
        let again = world.amend(wire::Order { revision: 2, ..order("o-1", "acme", 150) }).await;
        assert_eq!(again.outcome(), Outcome::Approve);
        assert_eq!(world.net("acme").await, 150);
    }
}
