//! The life of a request.

use crate::grade::Grade;
use crate::{
    limit::Limit,
    request::{State, Step, Wish, transition},
    tests::{rules::grade::row, world::yuan},
};

const STEPS: [Step; 7] =
    [Step::Submit, Step::Review, Step::Approve, Step::Activate, Step::Reject, Step::Withdraw, Step::Void];

#[test]
fn these_steps_and_no_others_are_allowed() {
    let allowed = [
        (State::Draft, Step::Submit, State::Submitted),
        (State::Draft, Step::Withdraw, State::Withdrawn),
        (State::Submitted, Step::Review, State::UnderReview),
        (State::Submitted, Step::Approve, State::Approved),
        (State::Submitted, Step::Reject, State::Rejected),
        (State::Submitted, Step::Withdraw, State::Withdrawn),
        (State::Submitted, Step::Void, State::Withdrawn),
        (State::UnderReview, Step::Review, State::UnderReview),
        (State::UnderReview, Step::Approve, State::Approved),
        (State::UnderReview, Step::Reject, State::Rejected),
        (State::UnderReview, Step::Withdraw, State::Withdrawn),
        (State::UnderReview, Step::Void, State::Withdrawn),
        (State::Approved, Step::Activate, State::Active),
        (State::Approved, Step::Void, State::Withdrawn),
    ];
    for state in State::ALL {
        for step in STEPS {
            let next = allowed.iter().find(|(from, by, _)| (*from, *by) == (state, step)).map(|(.., to)| *to);
            assert_eq!(transition(state, step), next, "{state:?} {step:?}");
        }
    }
}

#[test]
fn rejected_withdrawn_and_active_are_the_end() {
    for state in [State::Rejected, State::Withdrawn, State::Active] {
        assert!(STEPS.into_iter().all(|step| transition(state, step).is_none()), "{state:?}");
    }
}

#[test]
fn a_grade_covers_limits_up_to_its_greatest_and_may_allow_more() {
    let amount = |units| Limit::Amount(yuan(units));
    for (grade, limit, covers, allows) in [
        (Grade::B, amount(500_000), true, true),
        (Grade::B, amount(500_001), false, false),
        (Grade::B, amount(1), true, true),
        (Grade::B, Limit::Unlimited, false, false),
        (Grade::A, amount(1_000_000), true, true),
        (Grade::A, amount(1_000_001), false, true),
        (Grade::A, Limit::Unlimited, false, true),
        (Grade::D, amount(0), true, true),
        (Grade::D, amount(1), false, false),
    ] {
        let row = row(grade);
        assert_eq!((row.covers(limit), row.allows(limit)), (covers, allows), "{grade:?} {limit:?}");
    }
}

#[test]
fn a_wish_is_kept_flat_whatever_it_asks_for() {
    let sales = serde_json::json!({"minor": 100, "currency": "CNY"});
    let standing = serde_json::json!({
        "limit": {"amount": {"minor": 20_000_000, "currency": "CNY"}}, "terms_days": 30, "valid_from": null,
        "valid_to": "2026-12-31", "justification": "grows", "daily_sales": sales,
    });
    let temporary = serde_json::json!({
        "overlay": {"delta": {"minor": 100, "currency": "CNY"}}, "valid_from": "2026-04-01", "valid_to": "2026-04-10",
        "justification": "season",
    });
    for kept in [standing, temporary] {
        let wish: Wish = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!(serde_json::to_value(&wish).unwrap(), kept);
    }
}
