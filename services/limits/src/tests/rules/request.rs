//! The life of a request.

use crate::grade::Grade;
use crate::{
    limit::Limit,
    request::{Range, State, Step, range, transition},
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
fn the_greatest_limit_of_a_grade_is_within_its_range() {
    let amount = |units| Limit::Amount(yuan(units));
    for (grade, limit, expected) in [
        (Grade::B, amount(500_000), Range::Within),
        (Grade::B, amount(500_001), Range::Outside),
        (Grade::B, amount(1), Range::Within),
        (Grade::B, Limit::Unlimited, Range::Outside),
        (Grade::A, amount(1_000_000), Range::Within),
        (Grade::A, amount(1_000_001), Range::AboveByApproval),
        (Grade::A, Limit::Unlimited, Range::AboveByApproval),
        (Grade::D, amount(0), Range::Within),
        (Grade::D, amount(1), Range::Outside),
    ] {
        assert_eq!(range(limit, &row(grade)), expected, "{grade:?} {limit:?}");
    }
}
