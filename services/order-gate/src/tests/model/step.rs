//! What may happen next, drawn by weight, and what that asks of the gate given all that happened before.

mod asks;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest_state_machine::ReferenceStateMachine;
use weir_wire::order_gate::v1::Checkpoint;

use super::documents::{AccountNo, Group, GroupNo, Limit, LineNo, Membership, OrderNo, Policy, Review};
use super::reference::{ACCOUNTS, GROUPS, Reference};

/// How many orders there are: few, so that much happens to each.
const ORDERS: OrderNo = 6;

/// A revision relative to the newest.
#[derive(Debug, Clone, Copy)]
pub(super) enum Revision {
    Next,
    Same,
    Before,
    AfterNext,
}

/// One thing that may happen.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Ask {
        order: OrderNo,
        revision: Revision,
        asks: Asks,
    },
    /// An amendment that changes nothing but by how much of the order is asked for.
    Amend {
        order: OrderNo,
        percent: i64,
        checkpoint: Checkpoint,
    },
    Cancel {
        order: OrderNo,
        line: Option<(LineNo, i64)>,
    },
    Deliver {
        order: OrderNo,
        delivery: u8,
        lines: BTreeMap<LineNo, i64>,
    },
    Invoice {
        order: OrderNo,
        line: LineNo,
        amount: i64,
        due_in: i64,
        late: bool,
    },
    Pay {
        account: AccountNo,
        amount: i64,
        late: bool,
    },
    Bounce {
        account: AccountNo,
        late: bool,
    },
    Credit {
        account: AccountNo,
        limit: Limit,
        temporary: Option<(i64, u8)>,
        frozen: bool,
        review: Review,
        late: bool,
    },
    Conduct {
        account: AccountNo,
        blocked: bool,
        dunning_level: i32,
        late: bool,
    },
    /// An account joins a group, moves to another, leaves, or belongs to it in another way.
    Join {
        account: AccountNo,
        membership: Option<Membership>,
        late: bool,
    },
    /// A group gets another pool, another group above or another head.
    Group {
        group: GroupNo,
        told: Group,
        late: bool,
    },
    Mail(AccountNo),
    MailOfGroups,
    Repeat(Index),
    Release {
        held: Index,
        tolerance: i64,
        days: u8,
    },
    Reject {
        held: Index,
    },
    Activate(Policy),
    Days(u8),
    Restart,
}

/// What an order asks for, its ship date in days from now.
#[derive(Debug, Clone)]
pub(super) struct Asks {
    account: AccountNo,
    lines: Vec<i64>,
    prepaid_percent: i64,
    ships_in: Option<u8>,
    checkpoint: Checkpoint,
    amends: bool,
}

fn tens(most: i64) -> impl Strategy<Value = i64> {
    (0..=most / 10).prop_map(|tens| tens * 10)
}

fn lines() -> impl Strategy<Value = BTreeMap<LineNo, i64>> {
    prop::collection::btree_map(1..4_u8, (1..8_i64).prop_map(|tens| tens * 10), 1..3)
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    prop_oneof![6 => Just(Checkpoint::Order), 2 => Just(Checkpoint::Delivery), 1 => Just(Checkpoint::GoodsIssue)]
}

/// Mostly the account an order always has.
fn account_of(order: OrderNo) -> impl Strategy<Value = AccountNo> {
    prop_oneof![9 => Just(order % ACCOUNTS), 1 => 0..ACCOUNTS]
}

fn ask() -> impl Strategy<Value = Step> {
    let revision = prop_oneof![
        12 => Just(Revision::Next), 1 => Just(Revision::Same), 1 => Just(Revision::Before), 1 => Just(Revision::AfterNext)
    ];
    (0..ORDERS, revision).prop_flat_map(|(order, revision)| {
        let asks = (
            account_of(order),
            prop::collection::vec(tens(90), 1..3),
            prop_oneof![4 => Just(0_i64), 1 => Just(50), 1 => Just(100)],
            prop::option::of(0..4_u8),
            checkpoint(),
            prop::bool::weighted(0.2),
        );
        asks.prop_map(move |(account, lines, prepaid_percent, ships_in, checkpoint, amends)| {
            let asks = Asks { account, lines, prepaid_percent, ships_in, checkpoint, amends };
            Step::Ask { order, revision, asks }
        })
    })
}

fn credit() -> impl Strategy<Value = Step> {
    let limit = prop_oneof![
        12 => tens(250).prop_map(Limit::Amount), 1 => Just(Limit::Never), 1 => Just(Limit::Ended), 1 => Just(Limit::Unlimited)
    ];
    let review = prop_oneof![
        8 => Just(Review::Above(1_000)), 1 => Just(Review::Above(60)), 1 => Just(Review::EveryOrder),
        1 => Just(Review::NoCredit)
    ];
    let temporary = prop::option::weighted(0.2, (tens(80), 0..3_u8));
    let told = (0..ACCOUNTS, limit, temporary, prop::bool::weighted(0.06), review, late());
    told.prop_map(|(account, limit, temporary, frozen, review, late)| Step::Credit {
        account,
        limit,
        temporary,
        frozen,
        review,
        late,
    })
}

fn membership() -> impl Strategy<Value = Option<Membership>> {
    let member = (0..GROUPS, prop::bool::weighted(0.85), prop::bool::weighted(0.6));
    prop::option::weighted(0.85, member.prop_map(|(group, shares, inherits)| Membership { group, shares, inherits }))
}

/// A pool that holds less than its members may owe.
fn pooled() -> Step {
    let told = Group { version: 0, pool: Some(200), above: None, shares: true, inherits: true, head: None };
    Step::Group { group: 0, told, late: false }
}

fn group() -> impl Strategy<Value = Step> {
    let told = (
        prop::option::weighted(0.8, tens(250)),
        prop::option::weighted(0.6, 0..GROUPS),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.7),
        prop::option::weighted(0.5, 0..ACCOUNTS),
    );
    (0..GROUPS, told, late()).prop_map(|(group, (pool, above, shares, inherits, head), late)| {
        let told = Group { version: 0, pool, above, shares, inherits, head };
        Step::Group { group, told, late }
    })
}

fn late() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.2)
}

fn policy() -> impl Strategy<Value = Policy> {
    let told = (
        prop::bool::weighted(0.3),
        prop::option::weighted(0.3, tens(150)),
        any::<bool>(),
        prop::bool::weighted(0.15),
        prop::option::of(0..4_u8),
        0..31_u8,
    );
    told.prop_map(|(below_limit, order_value_max, rejects, forced, commitment_days, overdue_days)| Policy {
        below_limit,
        order_value_max,
        rejects,
        forced,
        commitment_days,
        overdue_days,
    })
}

fn step() -> BoxedStrategy<Step> {
    let order = || 0..ORDERS;
    let amount = || (1..9_i64).prop_map(|tens| tens * 10);
    prop_oneof![
        12 => ask(),
        5 => (order(), prop_oneof![Just(50_i64), Just(100), Just(150)], checkpoint())
            .prop_map(|(order, percent, checkpoint)| Step::Amend { order, percent, checkpoint }),
        3 => (order(), prop::option::of((1..4_u8, amount()))).prop_map(|(order, line)| Step::Cancel { order, line }),
        4 => (order(), 0..4_u8, lines()).prop_map(|(order, delivery, lines)| Step::Deliver { order, delivery, lines }),
        5 => (order(), 1..4_u8, amount(), -40..20_i64, late()).prop_map(|(order, line, amount, due_in, late)| {
            Step::Invoice { order, line, amount, due_in, late }
        }),
        4 => (0..ACCOUNTS, amount(), late()).prop_map(|(account, amount, late)| Step::Pay { account, amount, late }),
        2 => (0..ACCOUNTS, late()).prop_map(|(account, late)| Step::Bounce { account, late }),
        5 => credit(),
        2 => (0..ACCOUNTS, prop::bool::weighted(0.4), 0..4, late()).prop_map(|(account, blocked, dunning_level, late)| {
            Step::Conduct { account, blocked, dunning_level, late }
        }),
        4 => (0..ACCOUNTS, membership(), late()).prop_map(|(account, membership, late)| {
            Step::Join { account, membership, late }
        }),
        4 => group(),
        3 => (0..ACCOUNTS).prop_map(Step::Mail),
        1 => Just(Step::MailOfGroups),
        4 => any::<Index>().prop_map(Step::Repeat),
        3 => (any::<Index>(), prop_oneof![Just(0_i64), Just(50)], 0..3_u8)
            .prop_map(|(held, tolerance, days)| Step::Release { held, tolerance, days }),
        1 => any::<Index>().prop_map(|held| Step::Reject { held }),
        2 => policy().prop_map(Step::Activate),
        3 => prop_oneof![4 => 1..3_u8, 1 => 25..40_u8].prop_map(Step::Days),
        2 => Just(Step::Restart),
    ]
    .boxed()
}

impl ReferenceStateMachine for Reference {
    type State = Reference;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Reference> {
        Just(Reference::new()).boxed()
    }

    fn transitions(state: &Reference) -> BoxedStrategy<Step> {
        // somebody is known from the start, so that not every order is held
        match state.turn {
            turn @ 0..2 => Just(Step::Credit {
                account: AccountNo::try_from(turn).unwrap(),
                limit: Limit::Amount(150),
                temporary: None,
                frozen: false,
                review: Review::Above(1_000),
                late: false,
            })
            .boxed(),
            // and mostly in one group
            2 => prop_oneof![3 => Just(pooled()), 1 => step()].boxed(),
            turn @ 3..6 => {
                let account = AccountNo::try_from(turn - 3).unwrap();
                let membership = Some(Membership { group: 0, shares: true, inherits: true });
                prop_oneof![3 => Just(Step::Join { account, membership, late: false }), 1 => step()].boxed()
            }
            _ => step(),
        }
    }

    fn preconditions(state: &Reference, step: &Step) -> bool {
        !(matches!(step, Step::Activate(_) | Step::Days(_) | Step::Restart) && state.some_order_moves())
    }

    fn apply(mut state: Reference, step: &Step) -> Reference {
        let deed = state.deed(step);
        state.act(deed);
        state
    }
}
