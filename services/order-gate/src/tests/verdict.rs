//! What the rules say, by tables.

use chrono::Days;
use rust_decimal::Decimal;
use weir_model::AccountId;

use super::world::{account, cny, credit, date, line, policy_with, question, row, today};
use crate::commitment::Line;
use crate::decision::{Measure, Outcome, Verdict, WayOut};
use crate::exposure::Due;
use crate::order::Checkpoint;
use crate::policy::{Action, Comparator, Policy, Rule, RuleRow, Scope};
use crate::rules::{Grace, Question, decide};
use crate::standing::{Conduct, Credit, EffectiveLimit, Grade, Limit, LimitInForce, Overlay, Review, TemporaryLimit};

/// A question about an order of 100 minor units against a limit of 1,000 with nothing owed; a test changes what it is
/// about.
struct Ask {
    credit: Option<Credit>,
    conduct: Option<Conduct>,
    schedule: Vec<Due>,
    unapplied: i64,
    value: i64,
    prepaid: i64,
    policy: Policy,
    grace: Grace,
    checkpoint: Checkpoint,
    account_id: AccountId,
}

fn ask() -> Ask {
    let limits = vec![EffectiveLimit { limit: Limit::Amount(1_000), from: date(2026, 1, 1), to: None }];
    Ask {
        credit: Some(Credit { limits, review: None, ..credit(0) }),
        conduct: None,
        schedule: Vec::new(),
        unapplied: 0,
        value: 100,
        prepaid: 0,
        policy: Policy::default(),
        grace: Grace::None,
        checkpoint: Checkpoint::Order,
        account_id: account("acme"),
    }
}

impl Ask {
    fn verdict(&self) -> Verdict {
        decide(&Question { lines: &[ordered(self.value)], ..self.question() }).unwrap()
    }

    /// The question without lines.
    fn question(&self) -> Question<'_> {
        Question {
            credit: self.credit.as_ref(),
            conduct: self.conduct.as_ref(),
            schedule: &self.schedule,
            unapplied_credit: self.unapplied,
            prepaid: self.prepaid,
            checkpoint: self.checkpoint,
            grace: self.grace,
            ..question(&self.account_id, &self.policy)
        }
    }

    fn rules(&self) -> Vec<Rule> {
        self.verdict().failures.iter().map(|failure| failure.rule).collect()
    }

    fn credit(&mut self) -> &mut Credit {
        self.credit.as_mut().unwrap()
    }
}

fn ordered(value: i64) -> Line {
    Line { line_id: line("1"), ordered: value, cancelled: 0, delivered: 0, invoiced: 0 }
}

fn due(days_ago: u64, open: i64) -> Due {
    Due { date: today().checked_sub_days(Days::new(days_ago)).unwrap(), open, disputed: 0 }
}

#[test]
fn an_order_that_fits_passes() {
    let verdict = ask().verdict();
    assert_eq!((verdict.outcome, verdict.failures.len()), (Outcome::Approve, 0));
    assert_eq!(verdict.headroom, Some(1_000));
}

#[test]
fn equality_passes_unless_the_policy_says_otherwise() {
    let mut ask = Ask { value: 1_000, ..ask() };
    assert_eq!(ask.rules(), [Rule::WatchBand]);
    ask.policy = policy_with(RuleRow { comparator: Comparator::Below, ..row(Rule::LimitExceeded, Action::Block) });
    let verdict = ask.verdict();
    assert_eq!(verdict.failures[0].rule, Rule::LimitExceeded);
    assert_eq!(verdict.failures[0].shortfall, Some(1));
}

#[test]
fn what_no_limit_is_needed_for_passes_without_one() {
    for (value, prepaid) in [(0, 0), (500, 500)] {
        let ask = Ask { credit: None, value, prepaid, ..ask() };
        assert_eq!(ask.verdict().outcome, Outcome::Approve, "{value} of which {prepaid} is paid");
    }
}

#[test]
fn only_the_unpaid_part_needs_credit() {
    let verdict = Ask { value: 1_500, prepaid: 600, ..ask() }.verdict();
    assert_eq!(verdict.required, 900);
    assert_eq!(verdict.outcome, Outcome::ApproveWithWarnings);
}

#[test]
fn a_payment_recorded_for_a_prepaid_order_counts_once() {
    let ask = Ask { value: 1_500, prepaid: 600, unapplied: 600, ..ask() };
    assert_eq!(ask.verdict().after.net().unwrap(), 900);
}

#[test]
fn every_failed_rule_is_told_with_value_threshold_and_shortfall() {
    let mut ask = ask();
    ask.schedule = vec![due(40, 20_000)];
    ask.conduct = Some(Conduct { version: 1, blocked: Some("fraud".to_owned()), dunning_level: 3 });
    ask.credit().frozen = Some("litigation".to_owned());
    ask.credit().review = Some(Review::Above(99));
    assert_eq!(
        ask.rules(),
        [
            Rule::AccountBlocked,
            Rule::AccountFrozen,
            Rule::LimitExceeded,
            Rule::GradeReview,
            Rule::OverdueDaysExceeded,
            Rule::DunningLevelExceeded,
        ]
    );
    let verdict = ask.verdict();
    let exceeded = &verdict.failures[2];
    assert_eq!(exceeded.value, Some(Measure::Amount(20_100)));
    assert_eq!(exceeded.threshold, Some(Measure::Amount(1_000)));
    assert_eq!(exceeded.shortfall, Some(19_100));
}

#[test]
fn a_blocked_account_has_no_way_out_at_the_gate() {
    let mut ask = ask();
    ask.conduct = Some(Conduct { version: 1, blocked: Some("fraud".to_owned()), dunning_level: 0 });
    ask.prepaid = 100;
    let verdict = ask.verdict();
    assert_eq!((verdict.outcome, verdict.ways_out.len()), (Outcome::Hold, 0));
    ask.grace = Grace::Released;
    assert_eq!(ask.verdict().outcome, Outcome::Hold, "a release does not lift a block");
}

#[test]
fn an_account_nobody_assessed_is_held() {
    let unknown = Ask { credit: None, ..ask() };
    assert_eq!(unknown.rules(), [Rule::NotAssessed, Rule::LimitMissing]);
    let mut ungraded = ask();
    ungraded.credit().grade = None;
    assert_eq!(ungraded.rules(), [Rule::NotAssessed]);
}

#[test]
fn grade_d_gets_no_credit() {
    let mut ask = ask();
    ask.credit().grade = Some(Grade::D);
    ask.credit().review = Some(Review::NoCredit);
    assert_eq!(ask.rules(), [Rule::NoCreditGrade]);
}

#[test]
fn grade_c_has_every_order_reviewed_when_it_is_ordered() {
    let mut ask = ask();
    ask.credit().review = Some(Review::EveryOrder);
    assert_eq!(ask.rules(), [Rule::GradeReview]);
    assert_eq!(ask.verdict().excess, 100);
    ask.checkpoint = Checkpoint::GoodsIssue;
    assert_eq!(ask.verdict().outcome, Outcome::Approve, "goods on their way were reviewed before");
}

#[test]
fn a_large_order_of_grade_b_is_reviewed_and_equality_passes() {
    let mut ask = ask();
    ask.credit().review = Some(Review::Above(100));
    assert!(ask.rules().is_empty());
    ask.value = 101;
    assert_eq!(ask.rules(), [Rule::GradeReview]);
}

#[test]
fn an_order_may_not_be_worth_more_than_the_policy_says_for_its_grade() {
    let mut ask = ask();
    let money = |minor| weir_model::Money::new(minor, cny());
    let up_to =
        |scope, minor| RuleRow { scope, amounts: vec![money(minor)], ..row(Rule::OrderValueExceeded, Action::Block) };
    ask.policy = policy_with(up_to(Scope::All, 50));
    ask.policy.rules.push(up_to(Scope::Grade(Grade::A), 100));
    assert!(ask.rules().is_empty(), "the row for the grade beats the one for all");
    ask.credit().grade = Some(Grade::B);
    assert_eq!(ask.rules(), [Rule::OrderValueExceeded]);
}

#[test]
fn an_expired_limit_counts_as_nothing_from_the_day_after() {
    let mut ask = ask();
    ask.credit().limits[0].to = Some(today());
    assert!(ask.rules().is_empty());
    ask.credit().limits[0].to = Some(date(2026, 3, 30));
    assert_eq!(ask.rules(), [Rule::LimitExpired]);
    assert_eq!(ask.verdict().headroom, Some(0));
}

#[test]
fn a_limit_never_granted_is_missing_and_zero_is_not_missing() {
    let mut ask = ask();
    ask.credit().limits.clear();
    assert_eq!(ask.rules(), [Rule::LimitMissing]);
    let zero = EffectiveLimit { limit: Limit::Amount(0), from: date(2026, 1, 1), to: None };
    ask.credit().limits = vec![zero];
    assert_eq!(ask.rules(), [Rule::LimitExceeded]);
}

#[test]
fn of_several_limits_the_newest_start_wins_and_overlays_come_on_top() {
    let limit = |amount, from, to| EffectiveLimit { limit: Limit::Amount(amount), from, to };
    let mut credit = ask().credit.unwrap();
    credit.limits = vec![
        limit(1_000, date(2026, 1, 1), None),
        limit(300, date(2026, 3, 1), Some(date(2026, 3, 31))),
        limit(9_000, date(2026, 5, 1), None),
    ];
    let overlay = |overlay| TemporaryLimit { overlay, from: date(2026, 3, 31), to: date(2026, 4, 2) };
    assert_eq!(credit.limit_on(today()), LimitInForce::Amount(300));
    assert_eq!(credit.limit_on(date(2026, 4, 1)), LimitInForce::Amount(1_000));
    credit.temporary_limits = vec![overlay(Overlay::Delta(50))];
    assert_eq!(credit.limit_on(today()), LimitInForce::Amount(350));
    assert_eq!(credit.limit_on(date(2026, 4, 3)), LimitInForce::Amount(1_000), "falls away by date alone");
    credit.temporary_limits = vec![overlay(Overlay::Absolute(5))];
    assert_eq!(credit.limit_on(today()), LimitInForce::Amount(5));
    credit.limits = vec![EffectiveLimit { limit: Limit::Unlimited, from: date(2026, 1, 1), to: None }];
    credit.temporary_limits = vec![overlay(Overlay::Delta(50))];
    assert_eq!(credit.limit_on(today()), LimitInForce::Unlimited);
}

#[test]
fn due_today_is_not_overdue_and_the_tolerance_is_left_alone() {
    let mut ask = ask();
    // the default policy: 30 days, 100 yuan
    for (days_ago, open, expected) in [(0, 500, 0), (30, 900, 0), (31, 900, 0)] {
        ask.schedule = vec![due(days_ago, open)];
        let stops = ask.verdict().failures.iter().filter(|f| f.rule == Rule::OverdueDaysExceeded).count();
        assert_eq!(stops, expected, "{open} since {days_ago} days");
    }
    ask.credit().limits[0].limit = Limit::Amount(1_000_000);
    ask.schedule = vec![due(31, 10_000)];
    assert!(ask.rules().is_empty(), "equal to the tolerance");
    ask.schedule = vec![due(31, 10_001)];
    assert_eq!(ask.rules(), [Rule::OverdueDaysExceeded]);
    let verdict = ask.verdict();
    assert_eq!(verdict.failures[0].value, Some(Measure::Days(31)));
    assert_eq!(verdict.before.overdue, 10_001);
    ask.schedule = vec![due(0, 10_001)];
    assert_eq!(ask.verdict().before.overdue, 0);
}

#[test]
fn a_dunning_level_above_the_maximum_holds() {
    let mut ask = ask();
    for (level, expected) in [(2, Outcome::Approve), (3, Outcome::Hold)] {
        ask.conduct = Some(Conduct { version: 1, blocked: None, dunning_level: level });
        assert_eq!(ask.verdict().outcome, expected, "level {level}");
    }
}

#[test]
fn reaching_the_watch_band_warns() {
    for (value, expected) in [(899, Outcome::Approve), (900, Outcome::ApproveWithWarnings)] {
        assert_eq!(Ask { value, ..ask() }.verdict().outcome, expected, "{value} of 1,000");
    }
}

#[test]
fn a_rule_does_what_the_policy_says() {
    let mut ask = Ask { value: 2_000, ..ask() };
    for (action, outcome, told) in [
        (Action::Reject, Outcome::Reject, 1),
        (Action::Block, Outcome::Hold, 1),
        (Action::Warn, Outcome::ApproveWithWarnings, 1),
        (Action::Info, Outcome::Approve, 1),
        (Action::Off, Outcome::Approve, 0),
    ] {
        ask.policy = policy_with(row(Rule::LimitExceeded, action));
        ask.policy.rules.retain(|row| row.rule != Rule::WatchBand);
        let verdict = ask.verdict();
        assert_eq!((verdict.outcome, verdict.failures.len()), (outcome, told));
    }
}

#[test]
fn nothing_stops_a_decrease() {
    let mut ask = Ask { grace: Grace::Decrease, value: 5_000, ..ask() };
    ask.conduct = Some(Conduct { version: 1, blocked: Some("fraud".to_owned()), dunning_level: 3 });
    assert_eq!(ask.verdict().outcome, Outcome::Approve);
}

#[test]
fn what_is_over_the_limit_already_is_not_the_orders_excess() {
    let verdict = Ask { schedule: vec![due(0, 1_500)], ..ask() }.verdict();
    assert_eq!(verdict.failures[0].shortfall, Some(600));
    assert_eq!(verdict.excess, 100);
}

#[test]
fn the_excess_of_a_rule_that_compares_no_amount_is_all_the_order_asks_for() {
    let mut late = Ask { prepaid: 30, ..ask() };
    late.schedule = vec![due(31, 10_001)];
    late.credit().limits[0].limit = Limit::Amount(1_000_000);
    assert_eq!((late.rules(), late.verdict().excess), (vec![Rule::OverdueDaysExceeded], 70));
    let mut dunned = ask();
    dunned.conduct = Some(Conduct { version: 1, blocked: None, dunning_level: 3 });
    assert_eq!((dunned.rules(), dunned.verdict().excess), (vec![Rule::DunningLevelExceeded], 100));
}

#[test]
fn what_is_invoiced_already_takes_its_part_of_an_advance_payment_first() {
    // 70 of 100 are invoiced and paid; the other 30 find no room, and paying just them would go to the invoice
    let line = Line { invoiced: 70, delivered: 70, ..ordered(100) };
    let mut ask = ask();
    ask.credit().limits[0].limit = Limit::Amount(10);
    let verdict = decide(&Question { lines: &[line], ..ask.question() }).unwrap();
    assert_eq!(verdict.required, 30);
    assert!(verdict.ways_out.contains(&WayOut::Prepay(90)), "{:?}", verdict.ways_out);
}

#[test]
fn utilisation_is_none_without_a_limit_above_zero() {
    let mut ask = ask();
    assert_eq!(ask.verdict().utilisation_after, Some(Decimal::TEN));
    ask.credit().limits[0].limit = Limit::Amount(0);
    assert_eq!(ask.verdict().utilisation_after, None);
}

#[test]
fn an_exposure_beyond_64_bits_is_an_error_and_no_decision() {
    let ask = Ask { schedule: vec![due(0, 1)], ..ask() };
    assert!(decide(&Question { lines: &[ordered(i64::MAX)], ..ask.question() }).is_err());
}
