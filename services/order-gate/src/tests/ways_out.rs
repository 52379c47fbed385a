//! Applying a way out makes the same order pass; a minor unit less does not.

use chrono::Days;
use proptest::prelude::*;
use rust_decimal::Decimal;
use weir_model::{Country, Currency};

use super::world::{account, cny, credit, date, line, question, row, today};
use crate::commitment::{Line, Reserved};
use crate::decision::{Outcome, Verdict, WayOut};
use crate::exposure::{Component, Due, LeftOut};
use crate::policy::{Action, Comparator, Policy, Rule, RuleRow};
use crate::rules::{Abroad, CountryAsked, Grace, PoolAsked, Question, decide};
use crate::standing::{Conduct, Cover, Credit, EffectiveLimit, Limit, Overlay, Review, TemporaryLimit};

fn vietnam() -> Country {
    Country::from_code("VN").unwrap()
}

fn usd() -> Currency {
    Currency::from_code("USD").unwrap()
}

#[derive(Debug, Clone)]
struct Case {
    credit: Credit,
    dunning_level: i32,
    schedule: Vec<Due>,
    unapplied: i64,
    others: Reserved,
    /// What of it ships within the horizon.
    soon: Reserved,
    ships_in: Option<u64>,
    lines: Vec<Line>,
    prepaid: i64,
    policy: Policy,
    grace: Grace,
    abroad: Vec<Purse>,
    pools: Vec<PoolAsked>,
    order_currency: Currency,
    payment_index: Option<Decimal>,
    country: Option<CountryAsked>,
}

/// What is owed in another currency.
#[derive(Debug, Clone)]
struct Purse {
    currency: Currency,
    factor: Decimal,
    schedule: Vec<Due>,
    unapplied: i64,
    others: Reserved,
    soon: Reserved,
}

impl Purse {
    fn abroad(&self) -> Abroad<'_> {
        Abroad {
            currency: self.currency,
            factor: self.factor,
            schedule: &self.schedule,
            unapplied_credit: self.unapplied,
            others: self.others,
            others_in_horizon: self.soon,
        }
    }
}

impl Case {
    fn verdict(&self) -> Verdict {
        let conduct = Conduct { version: 1, blocked: None, dunning_level: self.dunning_level };
        let account_id = account("acme");
        let abroad: Vec<Abroad<'_>> = self.abroad.iter().map(Purse::abroad).collect();
        decide(&Question {
            abroad: &abroad,
            pools: &self.pools,
            order_currency: self.order_currency,
            credit: Some(&self.credit),
            conduct: Some(&conduct),
            schedule: &self.schedule,
            unapplied_credit: self.unapplied,
            others: self.others,
            others_in_horizon: self.soon,
            ship_date: self.ships_in.and_then(|days| today().checked_add_days(Days::new(days))),
            lines: &self.lines,
            prepaid: self.prepaid,
            grace: self.grace,
            payment_index: self.payment_index,
            country: self.country.as_ref(),
            ..question(&account_id, &self.policy)
        })
        .unwrap()
    }

    /// Whether the edge would take the order, and the rules let it go.
    fn passes(&self) -> bool {
        self.prepaid <= self.value() && self.verdict().outcome.passes()
    }

    fn value(&self) -> i64 {
        self.lines.iter().map(|line| line.ordered).sum()
    }

    /// Minor units of the account's currency for one of the order's.
    fn factor(&self) -> Decimal {
        let of_order = self.abroad.iter().find(|purse| purse.currency == self.order_currency);
        of_order.map_or(Decimal::ONE, |purse| purse.factor)
    }

    /// What the customer, the sales desk or the credit desk would do; `less` minor units short of it.
    fn after(&self, way: WayOut, less: i64) -> Case {
        let mut case = self.clone();
        match way {
            WayOut::ReduceOrderTo(value) => {
                // goods that have left cannot be taken off an order
                while case.value() > value + less {
                    let open = |line: &&mut Line| line.ordered > line.delivered && line.ordered > line.invoiced;
                    case.lines.iter_mut().find(open).expect("something to take off").ordered -= 1;
                }
            }
            WayOut::Pay(sum) => {
                let mut left = sum - less;
                case.schedule.sort_by_key(|due| due.date);
                for due in &mut case.schedule {
                    let part = left.min(due.open);
                    due.open -= part;
                    left -= part;
                }
            }
            WayOut::Prepay(sum) => case.prepaid += sum - less,
            WayOut::AskTemporaryLimit(sum) => {
                let overlay = Overlay::Delta(sum - less);
                case.credit.temporary_limits.push(TemporaryLimit { overlay, from: today(), to: today() });
            }
            WayOut::AskRelease(_) => case.grace = Grace::Released,
        }
        case
    }
}

fn schedule() -> impl Strategy<Value = Vec<Due>> {
    prop::collection::vec((0..90_u64, 1..60_i64), 0..4).prop_map(|dues| {
        let first = date(2026, 2, 1);
        let due = |(days, open)| Due { date: first.checked_add_days(Days::new(days)).unwrap(), open, disputed: 0 };
        dues.into_iter().map(due).collect()
    })
}

/// Lines of which some is delivered and invoiced, sometimes more than was ordered; and what is paid in advance.
fn order() -> impl Strategy<Value = (Vec<Line>, i64)> {
    let so_far = || prop_oneof![2 => Just(0_i64), 1 => 0..100_i64];
    let lines = prop::collection::vec((1..150_i64, so_far(), so_far()), 1..4);
    (lines, prop_oneof![1 => Just(0_i64), 1 => 0..100_i64]).prop_map(|(lines, prepaid)| {
        let lines: Vec<Line> = (1..)
            .zip(lines)
            .map(|(n, (ordered, delivered, invoiced)): (i32, _)| Line {
                line_id: line(&n.to_string()),
                ordered,
                cancelled: 0,
                delivered,
                invoiced,
            })
            .collect();
        let value: i64 = lines.iter().map(|line| line.ordered).sum();
        (lines, prepaid.min(value))
    })
}

/// The default policy with some of the rules that are off by default, by the bits of a number.
fn strict(comparator: Comparator, tolerance: i64, rules: u16) -> Policy {
    let amounts = |minor| vec![weir_model::Money::new(minor, cny())];
    let mut policy = Policy::default();
    for row in &mut policy.rules {
        match row.rule {
            Rule::LimitMissing | Rule::LimitExpired | Rule::LimitExceeded | Rule::GradeReview => {
                row.comparator = comparator;
            }
            Rule::OverdueDaysExceeded => row.amounts = amounts(tolerance),
            Rule::OrderValueExceeded if rules & 1 > 0 => row.amounts = amounts(tolerance * 6),
            _ => {}
        }
    }
    let percent = |percent: i64| Some(Decimal::from(percent));
    let block = |rule| RuleRow { comparator, ..row(rule, Action::Block) };
    let more = [
        RuleRow { days: Some(3), ..block(Rule::LimitExceededInHorizon) },
        RuleRow {
            component: Some(Component::Ordered),
            amounts: amounts(tolerance * 4),
            ..block(Rule::ComponentLimitExceeded)
        },
        RuleRow { amounts: amounts(tolerance), percent: percent(70), ..block(Rule::OverdueAmountExceeded) },
        RuleRow { days: Some(20), percent: percent(40), ..block(Rule::OverdueShareExceeded) },
        RuleRow { percent: percent(95), ..block(Rule::WatchBand) },
    ];
    let further = [
        RuleRow { index_min: percent(tolerance), ..block(Rule::PaymentIndexBelowMinimum) },
        RuleRow { days: i32::try_from(tolerance).ok(), ..block(Rule::InsuranceLapsed) },
        RuleRow { country: Some(vietnam()), amounts: amounts(tolerance * 8), ..block(Rule::CountryCapExceeded) },
        RuleRow {
            country: Some(vietnam()),
            amounts: vec![weir_model::Money::new(tolerance * 2, usd())],
            ..block(Rule::CountryCapExceeded)
        },
    ];
    for (bit, row) in (1..).zip(more).chain((8..).zip(further)) {
        if rules & (1 << bit) > 0 {
            policy.rules.retain(|known| known.rule != row.rule);
            policy.rules.push(row);
        }
    }
    policy.left_out = LeftOut { delivered_not_billed: rules & 64 > 0, overdue: rules & 128 > 0, ..LeftOut::default() };
    policy
}

fn case() -> impl Strategy<Value = Case> {
    let limit = prop_oneof![
        6 => (0..300_i64).prop_map(|amount| vec![Limit::Amount(amount)]),
        1 => Just(vec![]),
        1 => Just(vec![Limit::Unlimited]),
    ];
    let review = prop_oneof![
        3 => Just(None),
        2 => (0..200_i64).prop_map(|above| Some(Review::Above(above))),
        1 => Just(Some(Review::EveryOrder)),
        1 => Just(Some(Review::NoCredit)),
    ];
    let others = (0..80_i64, 0..40_i64, 0..40_i64, 0..=100_i64);
    let others = others.prop_map(|(ordered, delivered, prepaid, percent)| {
        let of = |ordered: i64| Reserved {
            ordered: ordered.into(),
            delivered: delivered.into(),
            prepaid: i128::from(prepaid.min(ordered + delivered)),
        };
        (of(ordered), of(ordered * percent / 100))
    });
    // the horizon is three days
    let others = (others, prop::option::of(0..6_u64));
    let desk = (any::<bool>(), any::<bool>(), 0..4_i32, 0..60_i64, 0..50_i64, any::<u16>());
    (limit, review, others, order(), desk, schedule()).prop_map(
        |(
            limits,
            review,
            ((others, soon), ships_in),
            (lines, prepaid),
            (below, frozen, dunning_level, unapplied, tolerance, rules),
            schedule,
        )| {
            let limits = limits.into_iter().map(|limit| EffectiveLimit { limit, from: date(2026, 1, 1), to: None });
            let comparator = if below { Comparator::Below } else { Comparator::AtMost };
            // frozen only where the dunning level is high as well, so that most cases have ways out
            let frozen = (frozen && dunning_level == 3).then(|| "litigation".to_owned());
            Case {
                credit: Credit { limits: limits.collect(), review, frozen, ..credit(0) },
                dunning_level,
                schedule,
                unapplied,
                others,
                soon,
                ships_in,
                lines,
                prepaid,
                policy: strict(comparator, tolerance, rules),
                grace: Grace::None,
                abroad: Vec::new(),
                pools: Vec::new(),
                order_currency: cny(),
                payment_index: None,
                country: None,
            }
        },
    )
}

/// Pools over none to three levels, in the account's currency or dollars, already full or not.
fn pools() -> impl Strategy<Value = Vec<(i64, Currency, Decimal)>> {
    let currency = prop_oneof![3 => Just(cny()), 1 => Just(usd())];
    let pool = (0..500_i64, currency, (0..30_000_i64).prop_map(|others| Decimal::new(others, 2)));
    prop::collection::vec(pool, 0..4)
}

/// The same with what is owed in dollars, an order that is perhaps in them, and pools.
fn wide() -> impl Strategy<Value = Case> {
    let dollars = (schedule(), 0..40_i64, (0..40_i64, 0..=100_i64), 1..90_000_i64);
    let index = prop::option::of((0..5_000_i64).prop_map(|index| Decimal::new(index, 2)));
    // 31 March is the 90th day
    let cover = prop::collection::vec((40..100_u64, 0..60_u64), 0..3);
    let country = prop::option::of((0..30_000_i64, any::<bool>()));
    let more = (prop::option::of(dollars), any::<bool>(), pools(), index, cover, country);
    (case(), more).prop_map(|(mut case, (dollars, is_of_dollars, pools, index, cover, country))| {
        case.payment_index = index;
        let day = |n| date(2026, 1, 1).checked_add_days(Days::new(n)).unwrap();
        case.credit.cover = cover.into_iter().map(|(from, n)| Cover { from: day(from), to: day(from + n) }).collect();
        if let Some((schedule, unapplied, (ordered, percent), rate)) = dollars {
            let of = |ordered: i64| Reserved { ordered: ordered.into(), ..Reserved::default() };
            let (others, soon) = (of(ordered), of(ordered * percent / 100));
            let factor = Decimal::new(rate, 4);
            case.abroad = vec![Purse { currency: usd(), factor, schedule, unapplied, others, soon }];
            if is_of_dollars {
                case.order_currency = usd();
            }
        }
        let rate_of = |currency: Currency| if currency == cny() { Decimal::ONE } else { Decimal::new(1_371, 4) };
        // yuan into dollars at 0.1371, dollars into yuan at their factor
        let factors_into = |currency| {
            let abroad = case.abroad.iter().map(|purse| if currency == usd() { Decimal::ONE } else { purse.factor });
            std::iter::once(rate_of(currency)).chain(abroad).collect()
        };
        case.country = country.map(|(others, is_in_dollars)| {
            let currency = if is_in_dollars { usd() } else { cny() };
            let others = Decimal::new(others, 2);
            CountryAsked { country: vietnam(), currency, others, factors: factors_into(currency) }
        });
        let levels = (1..).zip(pools).map(|(level, (limit, currency, others))| PoolAsked {
            group_id: weir_model::GroupId::parse(&format!("level-{level}")).unwrap(),
            limit: weir_model::Money::new(limit, currency),
            others,
            factors: factors_into(currency),
        });
        case.pools = levels.collect();
        case
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn taking_a_way_out_lets_the_same_order_pass(case in wide()) {
        let verdict = case.verdict();
        prop_assert_eq!(verdict.ways_out.is_empty(), verdict.outcome != Outcome::Hold);
        for way in verdict.ways_out {
            prop_assert!(case.after(way, 0).passes(), "{way:?}");
        }
    }

    #[test]
    fn a_minor_unit_less_does_not(case in wide()) {
        for way in case.verdict().ways_out {
            if matches!(way, WayOut::AskRelease(_)) {
                continue;
            }
            prop_assert!(!case.after(way, 1).passes(), "{way:?}");
        }
    }

    #[test]
    fn a_release_of_what_credit_rules_stop_takes_authority_over_something(case in wide()) {
        let verdict = case.verdict();
        prop_assert_eq!(verdict.excess > 0, verdict.outcome == Outcome::Hold);
        let value = (Decimal::from(case.value()) * case.factor()).ceil();
        prop_assert!(Decimal::from(verdict.excess) <= value.max(verdict.required.into()));
    }

    #[test]
    fn a_decision_asked_again_under_the_same_policy_says_the_same(case in wide()) {
        let verdict = case.verdict();
        let again = replayed(&case, verdict.clone(), &case.policy);
        prop_assert_eq!(Verdict { ways_out: Vec::new(), facts: None, ..verdict }, again);
    }

    #[test]
    fn a_decision_asked_again_under_another_policy_says_what_that_would_have_said(case in wide(), other in case()) {
        let again = replayed(&case, case.verdict(), &other.policy);
        let would_be = Case { policy: other.policy, ..case }.verdict();
        prop_assert_eq!(Verdict { ways_out: Vec::new(), facts: None, ..would_be }, again);
    }
}

/// What the record of a verdict says under a policy.
fn replayed(case: &Case, verdict: Verdict, policy: &Policy) -> Verdict {
    let decision = crate::decision::Decision {
        decision_id: None,
        order_id: super::world::order_id("o-1"),
        revision: 1,
        account_id: account("acme"),
        currency: cny(),
        order_currency: (case.order_currency != cny()).then_some(case.order_currency),
        checkpoint: crate::order::Checkpoint::Order,
        verdict,
        policy_version: 1,
        limit_version: 1,
        based_on: crate::decision::Followed::default(),
        staleness_ms: 0,
        business_date: today(),
        decided_at: chrono::DateTime::UNIX_EPOCH,
        hold_id: None,
        correlation_id: weir_model::CorrelationId::parse("c").unwrap(),
    };
    let stored = serde_json::to_string(&decision).unwrap();
    crate::replay::replay(&serde_json::from_str(&stored).unwrap(), policy).unwrap().expect("facts")
}
