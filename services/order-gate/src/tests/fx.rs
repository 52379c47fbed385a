//! Several currencies (rule 3.12): converted at the check date's rates, rounded up once, never guessed.

use std::sync::Arc;

use rust_decimal::Decimal;
use tonic::{Code, Status};
use weir_model::{Currency, Money, Principal, Role, SubjectId};
use weir_store::{Db, on_both_databases};
use weir_wire::google::r#type as pb;
use weir_wire::order_gate::v1::{
    self as wire, HoldState, Outcome, Rule, fx_rate_service_client::FxRateServiceClient, measure::Measure, way_out::Way,
};
use weir_wire::{Peer, emit};

use super::pools::member;
use super::world::{World, account, credit, date, order, owed, reason, rules, today, units, yuan};
use crate::draft::News;
use crate::exposure::Due;
use crate::fx::{NoRate, Rate, Rates, exact_product, exact_sum};
use crate::pool::Group;
use crate::standing::{Credit, EffectiveLimit, Limit, Position};

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// From, to, day, rate.
type Row<'a> = (&'a str, &'a str, (i32, u32, u32), &'a str);

fn table(rates: &[Row<'_>]) -> Rates {
    let mut table = Rates::default();
    for (from, to, (year, month, day), rate) in rates {
        let (from, to, effective) = (currency(from), currency(to), date(*year, *month, *day));
        table.put(Rate { from, to, effective, rate: number(rate) });
    }
    table
}

#[test]
fn the_newest_rate_that_holds_on_the_day_counts() {
    let table = table(&[("USD", "CNY", (2026, 3, 1), "7.1"), ("USD", "CNY", (2026, 3, 31), "7.2")]);
    let on = |day| table.factor((currency("USD"), currency("CNY")), date(2026, 3, day), None);
    assert_eq!(on(1), Ok(number("7.1")));
    assert_eq!(on(30), Ok(number("7.1")));
    assert_eq!(on(31), Ok(number("7.2")));
}

#[test]
fn before_the_first_rate_and_the_other_way_round_there_is_none() {
    let table = table(&[("USD", "CNY", (2026, 3, 1), "7.1"), ("CNY", "EUR", (2026, 3, 1), "0.1")]);
    let missing = |from: &str, to: &str, on| {
        let (from, to) = (currency(from), currency(to));
        assert_eq!(table.factor((from, to), on, None), Err(NoRate::Missing { from, to }));
    };
    missing("USD", "CNY", date(2026, 2, 28));
    missing("CNY", "USD", date(2026, 3, 1));
    missing("USD", "EUR", date(2026, 3, 1));
}

#[test]
fn a_rate_is_stale_the_day_after_the_bound() {
    let table = table(&[("USD", "CNY", (2026, 3, 24), "7.1")]);
    let on = |day| table.factor((currency("USD"), currency("CNY")), date(2026, 3, day), Some(7));
    assert_eq!(on(31), Ok(number("7.1")));
    let late = table.factor((currency("USD"), currency("CNY")), date(2026, 4, 1), Some(7));
    assert!(matches!(late, Err(NoRate::Stale { days_max: 7, .. })), "{late:?}");
}

#[test]
fn a_currency_needs_no_rate_into_itself() {
    let cny = currency("CNY");
    assert_eq!(Rates::default().factor((cny, cny), today(), Some(0)), Ok(Decimal::ONE));
}

#[test]
fn currencies_of_other_decimals_are_converted_by_minor_units() {
    let day = (2026, 3, 1);
    let table = table(&[("JPY", "CNY", day, "0.0481"), ("CNY", "JPY", day, "20.8"), ("KWD", "CNY", day, "23.4")]);
    let factor = |from, to| table.factor((currency(from), currency(to)), today(), None).unwrap();
    // 1 yen is 4.81 fen; 1 fen is 0.208 yen; 1 fils is a thousandth of 2340 fen
    assert_eq!(factor("JPY", "CNY"), number("4.81"));
    assert_eq!(factor("CNY", "JPY"), number("0.208"));
    assert_eq!(factor("KWD", "CNY"), number("2.34"));
}

#[test]
fn what_cannot_be_computed_without_rounding_is_refused() {
    let rate = number("1.0000000001");
    assert_eq!(exact_product(1_000_000_000_000_000, rate), Ok(number("1000000000100000.0000000000")));
    assert!(exact_product(i128::from(i64::MAX), rate).is_err());
    assert!(exact_product(i128::MAX, Decimal::ONE).is_err());
    let (large, small) = (number("79228162514264337593543950335"), number("0.5"));
    assert!(exact_sum(large, small).is_err());
    assert_eq!(exact_sum(number("0.25"), number("-0.25")), Ok(Decimal::ZERO));
}

/// Whole units of a currency of two decimals.
fn in_currency(code: &str, units: i64) -> pb::Money {
    emit::money(Money::new(units * 100, currency(code)))
}

/// An order in another currency than yuan.
fn foreign(id: &str, account_id: &str, code: &str, value: i64) -> wire::Order {
    wire::Order {
        currency_code: code.to_owned(),
        lines: vec![wire::OrderLine { line_id: "1".to_owned(), amount: Some(in_currency(code, value)) }],
        ..order(id, account_id, value)
    }
}

fn rate(from: &str, to: &str, day: chrono::NaiveDate, rate: &str) -> wire::FxRate {
    wire::FxRate {
        from_currency_code: from.to_owned(),
        to_currency_code: to.to_owned(),
        effective_date: Some(emit::date(day)),
        rate: Some(pb::Decimal { value: rate.to_owned() }),
    }
}

impl World {
    fn treasurer(&self) -> FxRateServiceClient<Peer> {
        let subject = SubjectId::parse("treasurer").unwrap();
        FxRateServiceClient::new(self.peer(Principal::new(subject, [Role::Finance])))
    }

    async fn put(&self, request_id: &str, rates: Vec<wire::FxRate>) -> Result<wire::PutFxRatesResponse, Status> {
        let request = wire::PutFxRatesRequest { request_id: request_id.to_owned(), rates };
        self.treasurer().put_fx_rates(request).await.map(tonic::Response::into_inner)
    }

    async fn owes_in(&self, id: &str, code: &str, position: Position) {
        let news = News::Position(account(id), currency(code), Arc::new(position), Vec::new());
        self.hear(vec![news]).await;
    }

    async fn stale_after(&self, days: i32) {
        let request = wire::ActivatePolicyRequest {
            policy: Some(wire::Policy { fx_rate_days_max: Some(days), ..Default::default() }),
            reason: "rates are daily".to_owned(),
            ..Default::default()
        };
        let admin = Principal::new(SubjectId::parse("admin").unwrap(), [Role::Admin]);
        let mut client = super::world::Client::new(self.peer(admin));
        client.activate_policy(request).await.unwrap();
    }
}

/// A limit of 1,000 yuan, and dollars at 7.25.
async fn dollars(db: Db) -> World {
    let world = World::new(db).await;
    world.credit("acme", credit(1_000)).await;
    world.put("r-1", vec![rate("USD", "CNY", today(), "7.25")]).await.unwrap();
    world
}

on_both_databases! {
    async fn an_order_in_another_currency_is_compared_with_the_limit_in_its_own(db: Db) {
        let world = dollars(db).await;
        let decision = world.authorize(foreign("o-1", "acme", "USD", 100)).await;
        assert_eq!(decision.outcome(), Outcome::Approve);
        assert_eq!(decision.required_amount, Some(in_currency("CNY", 725)));
        let after = decision.exposure_after.unwrap();
        assert_eq!((units(after.other_currencies.as_ref()), units(after.net.as_ref())), (725, 725));
        let [dollars] = &decision.foreign[..] else { panic!("{:?}", decision.foreign) };
        assert_eq!(dollars.exposure_after.as_ref().unwrap().ordered, Some(in_currency("USD", 100)));
        assert_eq!(dollars.rate.as_ref().unwrap().value, "7.25");
        // 275 are left: 37.93 dollars are 274.9925 yuan, 37.94 are 275.065
        let cents = |minor| {
            let amount = Some(emit::money(Money::new(minor, currency("USD"))));
            let lines = vec![wire::OrderLine { line_id: "1".to_owned(), amount }];
            wire::Order { lines, ..foreign("o-2", "acme", "USD", 0) }
        };
        assert_eq!(world.check(cents(3_793)).await.outcome(), Outcome::ApproveWithWarnings, "the watch band");
        let held = world.check(cents(3_794)).await;
        assert_eq!(rules(&held), [Rule::LimitExceeded]);
        assert_eq!(held.failures[0].shortfall, Some(emit::money(Money::new(7, currency("CNY")))), "6.5 fen, up");
        let reduce = held.ways_out[0].way.clone();
        assert_eq!(reduce, Some(Way::ReduceOrderTo(emit::money(Money::new(3_793, currency("USD"))))));
    }

    async fn an_order_that_changes_its_currency_counts_once(db: Db) {
        let world = dollars(db).await;
        world.authorize(order("o-1", "acme", 700)).await;
        let changed = world.amend(wire::Order { revision: 2, ..foreign("o-1", "acme", "USD", 100) }).await;
        assert_eq!(changed.outcome(), Outcome::Approve);
        assert_eq!(units(changed.exposure_before.unwrap().net.as_ref()), 0);
        let exposure = world.standing("acme").await.exposure.unwrap();
        assert_eq!((units(exposure.ordered.as_ref()), units(exposure.net.as_ref())), (0, 725));
    }

    async fn what_is_owed_elsewhere_is_rounded_up_once(db: Db) {
        let world = World::new(db).await;
        world.credit("acme", credit(1_000)).await;
        let rates = vec![rate("USD", "CNY", today(), "7.123"), rate("EUR", "CNY", today(), "8.456")];
        world.put("r-1", rates).await.unwrap();
        let open = |minor| Position { schedule: vec![Due { date: date(2026, 4, 10), open: minor, disputed: 0 }], ..owed(1, 0) };
        world.owes_in("acme", "USD", open(1)).await;
        world.owes_in("acme", "EUR", open(1)).await;
        world.owes("acme", open(5)).await;
        // 7.123 and 8.456 fen are 15.579: 16, where each alone would make 8 and 9
        let exposure = world.standing("acme").await.exposure.unwrap();
        let fen = |amount: Option<pb::Money>| amount.unwrap().nanos / 10_000_000;
        assert_eq!((fen(exposure.other_currencies), fen(exposure.net)), (16, 21));
    }

    async fn credit_in_one_currency_covers_nothing_in_another(db: Db) {
        let world = dollars(db).await;
        world.owes_in("acme", "USD", Position { unapplied_credit: 10_000, ..owed(1, 20) }).await;
        world.owes("acme", owed(1, 40)).await;
        assert_eq!(world.net("acme").await, 40);
        world.authorize(foreign("o-1", "acme", "USD", 81)).await;
        // 20 owed, 81 ordered and 100 paid: one dollar
        let elsewhere = world.standing("acme").await.exposure.unwrap().other_currencies;
        assert_eq!(elsewhere, Some(emit::money(Money::new(725, currency("CNY")))));
    }

    async fn without_a_rate_no_decision_is_made(db: Db) {
        let world = dollars(db).await;
        let lines = world.journal().await.len();
        let refused = world.try_authorize(foreign("o-1", "acme", "EUR", 1)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "FX_RATE_MISSING"));
        assert_eq!(world.journal().await.len(), lines);
        world.put("r-2", vec![rate("EUR", "CNY", date(2026, 4, 1), "8")]).await.unwrap();
        let refused = world.try_authorize(foreign("o-1", "acme", "EUR", 1)).await.unwrap_err();
        assert_eq!(reason(&refused), "FX_RATE_MISSING", "tomorrow's rate is not today's");
        let request = wire::AuthorizeOrderRequest {
            order: Some(foreign("o-1", "acme", "EUR", 1)),
            business_date: Some(emit::date(date(2026, 4, 1))),
            ..Default::default()
        };
        let decided = world.pipeline().authorize_order(request).await.unwrap().into_inner().decision.unwrap();
        assert_eq!(decided.outcome(), Outcome::Approve);
    }

    async fn a_rate_older_than_the_policy_allows_is_stale(db: Db) {
        let world = dollars(db).await;
        world.stale_after(1).await;
        world.env.clock.advance(chrono::Duration::days(1));
        assert_eq!(world.check(foreign("o-1", "acme", "USD", 1)).await.outcome(), Outcome::Approve);
        world.env.clock.advance(chrono::Duration::days(1));
        let refused = world.try_authorize(foreign("o-1", "acme", "USD", 1)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "FX_RATE_STALE"));
    }

    async fn the_rates_and_what_they_convert_outlive_a_restart(db: Db) {
        let world = dollars(db).await;
        world.put("r-2", vec![rate("USD", "CNY", today(), "7.5"), rate("EUR", "CNY", today(), "8.00000001")]).await.unwrap();
        world.owes_in("acme", "EUR", owed(1, 10)).await;
        world.authorize(foreign("o-1", "acme", "USD", 100)).await;
        let standing = world.standing("acme").await;
        let exposure = standing.exposure.clone().unwrap();
        // 750 yuan, and 80.0000001 rounded up to a fen
        assert_eq!(exposure.net, Some(emit::money(Money::new(83_001, currency("CNY")))));
        let again = world.reopened().await;
        assert_eq!(again.standing("acme").await, standing);
        let (request, euros) = (wire::ListFxRatesRequest { page_size: 1, ..Default::default() }, "8.00000001");
        let first = again.treasurer().list_fx_rates(request).await.unwrap().into_inner();
        assert_eq!(first.rates, [rate("EUR", "CNY", today(), euros)]);
        let request = wire::ListFxRatesRequest { page_size: 1, page_token: first.next_page_token };
        let second = again.treasurer().list_fx_rates(request).await.unwrap().into_inner();
        assert_eq!(second.rates, [rate("USD", "CNY", today(), "7.5")]);
        assert_eq!(second.next_page_token, "");
    }

    async fn the_same_request_puts_rates_once(db: Db) {
        let world = dollars(db).await;
        let lines = world.journal().await.len();
        world.put("r-1", vec![rate("USD", "CNY", today(), "7.25")]).await.unwrap();
        let other = world.put("r-1", vec![rate("USD", "CNY", today(), "8")]).await.unwrap_err();
        assert_eq!((other.code(), reason(&other).as_str()), (Code::AlreadyExists, "IDEMPOTENCY_MISMATCH"));
        world.put("r-2", vec![rate("USD", "CNY", today(), "7.25")]).await.unwrap();
        assert_eq!(world.journal().await.len(), lines, "what is there already is no news");
        world.put("r-3", vec![rate("USD", "CNY", today(), "7.3")]).await.unwrap();
        let last = world.journal().await.pop().unwrap();
        assert_eq!((last.kind.as_str(), last.subject.as_str()), ("fx_rate_put", "USD/CNY"));
        let before: Rate = serde_json::from_str(last.before.as_ref().unwrap()).unwrap();
        assert_eq!((before.rate, last.after_as::<Rate>().unwrap().rate), (number("7.25"), number("7.3")));
    }

    async fn every_wrong_rate_is_named(db: Db) {
        let world = World::new(db).await;
        let rates = vec![
            rate("USD", "USD", today(), "1"),
            rate("usd", "CNY", today(), "0"),
            rate("EUR", "CNY", today(), "1.00000000001"),
            rate("CHF", "CNY", today(), "8"),
            rate("CHF", "CNY", today(), "9"),
            wire::FxRate { effective_date: None, ..rate("GBP", "CNY", today(), "-1") },
        ];
        let refused = world.put("", rates).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        let mut fields = super::input::fields(&refused);
        fields.sort_unstable();
        assert_eq!(fields, [
            "rates[0].to_currency_code",
            "rates[1].from_currency_code",
            "rates[1].rate",
            "rates[2].rate",
            "rates[4]",
            "rates[5].effective_date",
            "rates[5].rate",
            "request_id",
        ]);
        let none = world.put("r-1", Vec::new()).await.unwrap_err();
        assert_eq!(super::input::fields(&none), ["rates"]);
    }

    async fn a_better_rate_lets_a_held_order_pass_by_itself(db: Db) {
        let world = dollars(db).await;
        let held = world.authorize(foreign("o-1", "acme", "USD", 140)).await;
        assert_eq!(held.outcome(), Outcome::Hold);
        world.pass_day_steps().await;
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Held);
        world.put("r-2", vec![rate("USD", "CNY", today(), "7")]).await.unwrap();
        world.pass_day_steps().await;
        assert_eq!(world.hold(&held.hold_id).await.state(), HoldState::Approved);
    }

    async fn a_release_takes_authority_in_the_currency_of_the_limit(db: Db) {
        let world = dollars(db).await;
        let hold_id = world.authorize(foreign("o-1", "acme", "USD", 200)).await.hold_id;
        assert_eq!(world.hold(&hold_id).await.excess_amount, Some(in_currency("CNY", 450)));
        // 1,450 yuan asked for, and a tenth of 200 dollars that may come on top unseen
        let request = wire::ReleaseHoldRequest {
            hold_id,
            tolerance_percent: Some(pb::Decimal { value: "10".to_owned() }),
            reason: "known customer".to_owned(),
            ..Default::default()
        };
        let refused = world.manager("manager-1", 594).release_hold(request.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), "AUTHORITY_EXCEEDED");
        let done = world.manager("manager-1", 595).release_hold(request).await.unwrap().into_inner();
        let release = done.hold.unwrap().release.unwrap();
        assert_eq!(release.approved_amount, Some(in_currency("USD", 200)));
        assert_eq!(release.authority_amount, Some(in_currency("CNY", 595)));
    }

    async fn members_of_a_pool_in_another_currency_are_converted_into_it(db: Db) {
        let world = dollars(db).await;
        let limit = Some(Money::new(10_000, currency("USD")));
        world.group("holding", Group { version: 1, limit, ..Group::default() }).await;
        world.credit("acme", Credit { version: 2, ..member("holding", credit(1_000)) }).await;
        let limits = vec![EffectiveLimit { limit: Limit::Amount(yuan(1_000)), from: date(2026, 1, 1), to: None }];
        world.credit("inc", member("holding", Credit { currency: currency("USD"), limits, ..credit(0) })).await;
        world.authorize(foreign("o-1", "inc", "USD", 40)).await;
        let missing = world.try_authorize(order("o-2", "acme", 400)).await.unwrap_err();
        assert_eq!(reason(&missing), "FX_RATE_MISSING", "yuan into dollars");
        world.put("r-2", vec![rate("CNY", "USD", today(), "0.138")]).await.unwrap();
        // 60 dollars are left: 434.78 yuan are 59.99964
        let held = world.check(order("o-2", "acme", 435)).await;
        let [failure] = &held.failures[..] else { panic!("{:?}", held.failures) };
        assert_eq!((failure.rule(), failure.group_id.as_str()), (Rule::GroupPoolExceeded, "holding"));
        let value = failure.value.as_ref().unwrap().measure.clone();
        assert_eq!(value, Some(Measure::Amount(emit::money(Money::new(10_003, currency("USD"))))));
        assert_eq!(held.ways_out[0].way, Some(Way::ReduceOrderTo(emit::money(Money::new(43_478, currency("CNY"))))));
        assert_eq!(world.authorize(order("o-2", "acme", 434)).await.outcome(), Outcome::Approve);
        let seen = &world.standing("inc").await.pools[0];
        assert_eq!(seen.exposure_after, Some(emit::money(Money::new(9_990, currency("USD")))), "40 and 59.892");
        assert_eq!(world.reopened().await.standing("inc").await.pools[0], *seen);
    }

    async fn a_decision_tells_the_rates_it_was_made_by_whatever_they_are_now(db: Db) {
        let world = dollars(db).await;
        let decision = world.authorize(foreign("o-1", "acme", "USD", 100)).await;
        world.put("r-2", vec![rate("USD", "CNY", today(), "20")]).await.unwrap();
        let request = wire::ExplainDecisionRequest { decision_id: decision.decision_id.clone() };
        let explained = world.pipeline().explain_decision(request).await.unwrap().into_inner();
        assert_eq!(explained.decision, Some(decision));
        let sentence = "Of that 0.00 USD without the order and 100.00 USD with it, at 7.25 CNY for one USD.";
        assert!(explained.sentences.iter().any(|told| told == sentence), "{:?}", explained.sentences);
        let request = wire::SimulatePolicyRequest { policy: Some(wire::Policy::default()), ..Default::default() };
        let (changes, summary, _) = world.simulate(request).await;
        assert_eq!((changes.len(), summary.replayed_count), (0, 1));
    }

    async fn what_is_overdue_in_another_currency_is_overdue(db: Db) {
        let world = dollars(db).await;
        let late = Due { date: date(2026, 2, 1), open: 1_380, disputed: 0 };
        world.owes_in("acme", "USD", Position { schedule: vec![late], ..owed(1, 0) }).await;
        // 13.80 dollars are 100.05 yuan: above the 100 that may be late
        let held = world.check(order("o-1", "acme", 1)).await;
        assert_eq!(rules(&held), [Rule::OverdueDaysExceeded]);
        assert_eq!(world.standing("acme").await.oldest_overdue_days, 58);
    }
}
