//! Orders on their way: asked, amended, cancelled, delivered, invoiced.

use tonic::Code;
use weir_store::{Db, on_both_databases};
use weir_wire::order_gate::v1::{self as wire, CommitmentState, Outcome, Rule};

use super::world::{World, amount, credit, order, owed, reason, rename, rules, units};
use crate::standing::Credit;

async fn limit_100(db: Db) -> World {
    let world = World::new(db).await;
    world.credit("acme", credit(100)).await;
    world
}

fn two_lines(first: i64, second: i64) -> wire::Order {
    let mut order = order("o-1", "acme", first);
    order.lines.push(wire::OrderLine { line_id: "2".to_owned(), amount: amount(second) });
    order
}

on_both_databases! {
    async fn a_check_of_an_order_invoiced_whole_judges_it_as_new_and_says_so(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(100)).await;
        world.authorize(order("o-1", "acme", 90)).await;
        let counts = world.checked(order("o-1", "acme", 90)).await;
        assert_eq!((counts.judged_as_new, units(counts.decision.unwrap().exposure_before.unwrap().net.as_ref())), (false, 0));
        world.invoiced("acme", owed(1, 90), "o-1", &[("1", 90)]).await;
        let ended = world.checked(order("o-1", "acme", 90)).await;
        assert!(ended.judged_as_new);
        assert_eq!(units(ended.decision.unwrap().required_amount.as_ref()), 90, "what it is invoiced is left out");
        assert_eq!(world.authorize(wire::Order { revision: 2, ..order("o-1", "acme", 90) }).await.outcome(), Outcome::Approve);
    }

    async fn a_check_waits_for_no_database(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-1", "acme", 60)).await;
        rename(&world, "alter table orders rename to elsewhere").await;
        let known = world.check(wire::Order { revision: 2, ..order("o-1", "acme", 100) }).await;
        let new = world.check(wire::Order { revision: 2, ..order("o-2", "acme", 41) }).await;
        assert_eq!((known.outcome(), new.outcome()), (Outcome::ApproveWithWarnings, Outcome::Hold));
    }

    async fn a_check_records_and_reserves_nothing(db: Db) {
        let world = limit_100(db).await;
        let before = world.journal().await.len();
        let decision = world.check(order("o-1", "acme", 90)).await;
        assert_eq!((decision.outcome(), decision.decision_id.as_str()), (Outcome::ApproveWithWarnings, ""));
        assert_eq!(units(decision.exposure_after.unwrap().net.as_ref()), 90);
        assert_eq!((world.net("acme").await, world.journal().await.len()), (0, before));
    }

    async fn the_same_order_again_gets_the_same_answer(db: Db) {
        let world = limit_100(db).await;
        let first = world.authorize(order("o-1", "acme", 60)).await;
        let other = wire::Order { requested_by: "sales-2".to_owned(), ..order("o-1", "acme", 60) };
        assert_eq!(world.authorize(other).await, first, "who repeats it does not matter");
        assert_eq!(world.net("acme").await, 60);
        let again = world.reopened().await;
        assert_eq!(again.authorize(order("o-1", "acme", 60)).await, first);
    }

    async fn the_token_of_a_repeated_answer_counts_all_that_came_of_the_order(db: Db) {
        let world = limit_100(db).await;
        let ask = || wire::AuthorizeOrderRequest { order: Some(order("o-1", "acme", 60)), ..Default::default() };
        for _ in 0..2 {
            let token = world.pipeline().authorize_order(ask()).await.unwrap().into_inner().token.unwrap();
            assert_eq!(token.positions[0].position, 2, "the decision, then the commitment");
        }
    }

    async fn the_same_id_with_another_content_is_an_error(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-1", "acme", 60)).await;
        for other in [
            order("o-1", "acme", 61),
            order("o-1", "globex", 60),
            wire::Order { terms_days: 30, ..order("o-1", "acme", 60) },
            wire::Order { prepaid_amount: amount(1), ..order("o-1", "acme", 60) },
        ] {
            let status = world.try_authorize(other).await.unwrap_err();
            assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
        }
    }

    async fn an_amendment_leaves_the_order_itself_out_of_the_exposure(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-1", "acme", 60)).await;
        let decision = world.amend(wire::Order { revision: 2, ..order("o-1", "acme", 100) }).await;
        assert_eq!(decision.outcome(), Outcome::ApproveWithWarnings, "never 160 of 100");
        assert_eq!(units(decision.exposure_before.unwrap().net.as_ref()), 0);
        assert_eq!(world.net("acme").await, 100);
    }

    async fn an_increase_that_does_not_fit_is_held_and_the_old_revision_goes_on_counting(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-1", "acme", 60)).await;
        let decision = world.amend(wire::Order { revision: 2, ..order("o-1", "acme", 101) }).await;
        assert_eq!((decision.outcome(), rules(&decision)), (Outcome::Hold, vec![Rule::LimitExceeded]));
        assert_eq!(world.net("acme").await, 60);
        world.credit("acme", Credit { version: 2, ..credit(101) }).await;
        assert_eq!(world.net("acme").await, 101, "room for the new revision");
    }

    async fn an_older_revision_is_answered_as_before_and_an_unknown_one_refused(db: Db) {
        let world = limit_100(db).await;
        let first = world.authorize(order("o-1", "acme", 60)).await;
        world.amend(wire::Order { revision: 3, ..order("o-1", "acme", 50) }).await;
        assert_eq!(world.authorize(order("o-1", "acme", 60)).await, first);
        let status = world.try_authorize(order("o-1", "acme", 59)).await.unwrap_err();
        assert_eq!(reason(&status), "IDEMPOTENCY_MISMATCH");
        let never_decided = wire::Order { revision: 2, ..order("o-1", "acme", 55) };
        let status = world.try_authorize(never_decided).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "ORDER_REVISION_CONFLICT"));
    }

    async fn an_unknown_order_can_be_neither_amended_nor_cancelled(db: Db) {
        let world = limit_100(db).await;
        let request = wire::AmendOrderRequest { order: Some(order("o-1", "acme", 1)), ..Default::default() };
        assert_eq!(world.pipeline().amend_order(request).await.unwrap_err().code(), Code::NotFound);
        let request = wire::CancelOrderRequest { order_id: "o-1".to_owned(), ..Default::default() };
        assert_eq!(world.pipeline().cancel_order(request).await.unwrap_err().code(), Code::NotFound);
    }

    async fn an_order_moves_to_the_account_that_pays_for_its_new_revision(db: Db) {
        let world = limit_100(db).await;
        world.credit("globex", credit(100)).await;
        world.authorize(order("o-1", "acme", 60)).await;
        let waiting = world.authorize(order("o-2", "acme", 90)).await;
        world.amend(wire::Order { revision: 2, ..order("o-1", "globex", 70) }).await;
        assert_eq!((world.net("acme").await, world.net("globex").await), (90, 70));
        assert_eq!(waiting.outcome(), Outcome::Hold, "it waited for the room that came free");
    }

    async fn cancelling_a_line_frees_its_room_once(db: Db) {
        let world = limit_100(db).await;
        world.authorize(two_lines(60, 40)).await;
        let cut = |units| wire::CancelOrderRequest {
            order_id: "o-1".to_owned(),
            lines: vec![wire::LineCancellation { line_id: "2".to_owned(), cancelled_amount: amount(units) }],
            ..Default::default()
        };
        for (units, expected) in [(10, 90), (10, 90), (5, 90), (400, 60)] {
            world.pipeline().cancel_order(cut(units)).await.unwrap();
            assert_eq!(world.net("acme").await, expected);
        }
        let mut unknown = cut(1);
        unknown.lines[0].line_id = "9".to_owned();
        assert_eq!(world.pipeline().cancel_order(unknown).await.unwrap_err().code(), Code::NotFound);
    }

    async fn a_line_is_not_cancelled_while_a_newer_revision_is_held(db: Db) {
        let world = limit_100(db).await;
        world.authorize(two_lines(60, 40)).await;
        let held = world.amend(wire::Order { revision: 2, ..two_lines(61, 40) }).await;
        assert_eq!(held.outcome(), Outcome::Hold);
        let line = wire::LineCancellation { line_id: "2".to_owned(), cancelled_amount: amount(10) };
        let whole = wire::CancelOrderRequest { order_id: "o-1".to_owned(), ..Default::default() };
        let part = wire::CancelOrderRequest { lines: vec![line], ..whole.clone() };
        let status = world.pipeline().cancel_order(part).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "WRONG_STATE"));
        assert_eq!(world.net("acme").await, 100);
        world.pipeline().cancel_order(whole).await.unwrap();
        assert_eq!(world.net("acme").await, 0);
    }

    async fn cancelling_the_whole_leaves_what_was_delivered(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-1", "acme", 60)).await;
        world.deliver("o-1", "d-1", &[("1", 25)]).await;
        let request = wire::CancelOrderRequest { order_id: "o-1".to_owned(), ..Default::default() };
        let commitment = world.pipeline().cancel_order(request).await.unwrap().into_inner().commitment.unwrap();
        assert_eq!(commitment.state(), CommitmentState::Live);
        assert_eq!(world.net("acme").await, 25);
    }

    async fn a_delivery_counts_once_and_may_exceed_the_order(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-1", "acme", 60)).await;
        for _ in 0..2 {
            let commitment = world.deliver("o-1", "d-1", &[("1", 40)]).await.unwrap();
            assert_eq!(units(commitment.delivered_not_billed_amount.as_ref()), 40);
            assert_eq!(units(commitment.ordered_amount.as_ref()), 20);
        }
        assert_eq!(world.net("acme").await, 60);
        world.deliver("o-1", "d-2", &[("1", 80)]).await;
        assert_eq!(world.net("acme").await, 120, "the goods have left");
        let request = wire::RecordDeliveryRequest {
            order_id: "o-1".to_owned(),
            delivery_id: "d-1".to_owned(),
            lines: vec![wire::DeliveredLine { line_id: "1".to_owned(), delivered_amount: amount(41) }],
            ..Default::default()
        };
        let status = world.pipeline().record_delivery(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
    }

    async fn an_invoice_raises_the_position_and_lowers_the_commitment_in_one_step(db: Db) {
        let world = limit_100(db).await;
        world.authorize(order("o-1", "acme", 60)).await;
        world.invoiced("acme", owed(1, 25), "o-1", &[("1", 25)]).await;
        let exposure = world.standing("acme").await.exposure.unwrap();
        assert_eq!(units(exposure.open_not_due.as_ref()), 25);
        assert_eq!(units(exposure.ordered.as_ref()), 35);
        assert_eq!(units(exposure.net.as_ref()), 60);
        world.invoiced("acme", owed(2, 60), "o-1", &[("1", 60)]).await;
        assert_eq!(world.net("acme").await, 60);
        let request = wire::GetCommitmentRequest { order_id: "o-1".to_owned() };
        let commitment = world.pipeline().get_commitment(request).await.unwrap().into_inner().commitment.unwrap();
        assert_eq!(commitment.state(), CommitmentState::Converted);
    }

    async fn what_one_account_was_invoiced_adds_to_what_another_was(db: Db) {
        let world = limit_100(db).await;
        world.credit("globex", credit(100)).await;
        world.authorize(order("o-1", "acme", 60)).await;
        world.invoiced("acme", owed(1, 25), "o-1", &[("1", 25)]).await;
        world.amend(wire::Order { revision: 2, ..order("o-1", "globex", 60) }).await;
        assert_eq!((world.net("acme").await, world.net("globex").await), (25, 35));
        world.invoiced("globex", owed(1, 35), "o-1", &[("1", 35)]).await;
        assert_eq!((world.net("acme").await, world.net("globex").await), (25, 35));
        world.invoiced("acme", owed(2, 0), "o-1", &[("1", 0)]).await;
        assert_eq!((world.net("acme").await, world.net("globex").await), (0, 60), "the first invoice was cancelled");
    }

    async fn news_older_than_what_is_known_changes_nothing(db: Db) {
        let world = limit_100(db).await;
        world.owes("acme", owed(5, 70)).await;
        world.owes("acme", owed(4, 10)).await;
        world.credit("acme", credit(9_999)).await;
        assert_eq!(world.net("acme").await, 70);
        assert_eq!(units(world.standing("acme").await.limit.as_ref()), 100);
    }

    async fn a_prepaid_order_passes_without_a_limit(db: Db) {
        let world = World::new(db).await;
        let prepaid = wire::Order { prepaid_amount: amount(60), ..order("o-1", "acme", 60) };
        assert_eq!(world.authorize(prepaid).await.outcome(), Outcome::Approve);
        assert_eq!(world.net("acme").await, 0);
        let partly = wire::Order { prepaid_amount: amount(59), ..order("o-2", "acme", 60) };
        let decision = world.authorize(partly).await;
        assert_eq!(rules(&decision), [Rule::NotAssessed, Rule::LimitMissing]);
        assert_eq!(units(decision.required_amount.as_ref()), 1);
    }

    async fn an_order_in_another_currency_is_not_guessed_at(db: Db) {
        let world = limit_100(db).await;
        let mut foreign = order("o-1", "acme", 10);
        foreign.currency_code = "EUR".to_owned();
        foreign.lines[0].amount.as_mut().unwrap().currency_code = "EUR".to_owned();
        let status = world.try_authorize(foreign).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "FX_RATE_MISSING"));
    }

    async fn a_debt_in_another_currency_needs_a_rate(db: Db) {
        let world = limit_100(db).await;
        let eur = weir_model::Currency::from_code("EUR").unwrap();
        let position = std::sync::Arc::new(owed(1, 10));
        let news = crate::draft::News::Position(super::world::account("acme"), eur, position, Vec::new());
        world.hear(vec![news]).await;
        let status = world.try_authorize(order("o-1", "acme", 10)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "FX_RATE_MISSING"));
    }

    async fn a_group_is_kept_with_its_account(db: Db) {
        let world = World::new(db).await;
        let group_id = Some(weir_model::GroupId::parse("holding").unwrap());
        world.credit("acme", Credit { group_id, ..credit(100) }).await;
        assert_eq!(world.reopened().await.standing("acme").await.group_id, "holding");
    }
}
