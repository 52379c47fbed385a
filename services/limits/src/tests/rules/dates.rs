//! Periods, overlays and freezes: which days count.

use chrono::NaiveDate;
use proptest::prelude::*;
use weir_model::{LimitId, LimitRequestId, Money, SubjectId, add_days};

use crate::{
    freeze::Freeze,
    in_force::{LineKind, in_force},
    limit::{Limit, Period, Standing, StandingLimit, Supersedes, relevant_on, standing_on, supersede, taken_over_on},
    request::Act,
    temporary::{Overlay, Revocation, TemporaryLimit, overlapping, valid_on},
    tests::world::{date, yuan},
};

fn period(from: &str, to: Option<&str>) -> Period {
    Period { from: date(from), to: to.map(date) }
}

fn standing(id: &str, amount: i64, from: &str, to: Option<&str>) -> StandingLimit {
    StandingLimit {
        limit_id: LimitId::parse(id).unwrap(),
        limit_request_id: LimitRequestId::parse("request").unwrap(),
        limit: Limit::Amount(yuan(amount)),
        period: period(from, to),
        superseded_from: None,
    }
}

fn temporary(overlay: Overlay, from: &str, to: &str) -> TemporaryLimit {
    TemporaryLimit {
        temporary_limit_id: LimitId::parse("temporary").unwrap(),
        overlay,
        from: date(from),
        to: date(to),
        limit_request_id: LimitRequestId::parse("request").unwrap(),
        reason: "season".to_owned(),
        requested_by: SubjectId::parse("sally").unwrap(),
        granted_by: SubjectId::parse("mo").unwrap(),
        granted_at: chrono::DateTime::UNIX_EPOCH,
        revocation: None,
    }
}

fn freeze(on: &str, lifted_on: Option<&str>) -> Freeze {
    Freeze {
        reason: "rumours".to_owned(),
        frozen_by: SubjectId::parse("mo").unwrap(),
        frozen_at: chrono::DateTime::UNIX_EPOCH,
        frozen_on: date(on),
        lifted_on: lifted_on.map(date),
    }
}

fn id_on<'a>(limits: &'a [StandingLimit], on: &str) -> Option<&'a str> {
    match standing_on(limits, date(on)) {
        Standing::Holds(limit) => Some(limit.limit_id.as_str()),
        Standing::Never | Standing::Expired { .. } => None,
    }
}

#[test]
fn both_ends_of_a_period_belong_to_it() {
    let march = period("2026-03-01", Some("2026-03-31"));
    for (on, holds) in [("2026-02-28", false), ("2026-03-01", true), ("2026-03-31", true), ("2026-04-01", false)] {
        assert_eq!(march.holds_on(date(on)), holds, "{on}");
    }
}

#[test]
fn periods_overlap_when_they_share_a_single_day() {
    let march = period("2026-03-01", Some("2026-03-31"));
    for (from, to, overlaps) in [
        ("2026-03-31", Some("2026-04-30"), true),
        ("2026-04-01", Some("2026-04-30"), false),
        ("2026-02-01", Some("2026-03-01"), true),
        ("2026-02-01", Some("2026-02-28"), false),
        ("2026-02-01", None, true),
        ("2026-04-01", None, false),
    ] {
        assert_eq!(march.overlaps(period(from, to)), overlaps, "{from}");
        assert_eq!(period(from, to).overlaps(march), overlaps, "{from}, the other way");
    }
}

#[test]
fn the_newest_start_wins() {
    let limits = [standing("old", 1, "2026-01-01", None), standing("new", 2, "2026-03-01", Some("2026-03-31"))];
    assert_eq!(id_on(&limits, "2026-02-28"), Some("old"));
    assert_eq!(id_on(&limits, "2026-03-01"), Some("new"));
}

#[test]
fn what_a_limit_took_the_place_of_does_not_come_back_when_it_ends() {
    let mut limits = vec![standing("old", 1, "2026-01-01", None)];
    let marked = supersede(&mut limits, date("2026-03-01"), Supersedes::UpToItsStart);
    assert_eq!(marked, [LimitId::parse("old").unwrap()]);
    limits.push(standing("new", 2, "2026-03-01", Some("2026-03-31")));
    assert_eq!(id_on(&limits, "2026-02-28"), Some("old"));
    assert_eq!(id_on(&limits, "2026-03-31"), Some("new"));
    assert!(matches!(standing_on(&limits, date("2026-04-01")), Standing::Expired { limit, last_day }
        if limit.limit_id.as_str() == "new" && last_day == date("2026-03-31")));
}

#[test]
fn a_limit_for_later_survives_one_that_starts_before_it_and_no_cut() {
    let later = standing("later", 3, "2026-06-01", None);
    let mut limits = vec![later.clone()];
    assert!(supersede(&mut limits, date("2026-03-01"), Supersedes::UpToItsStart).is_empty());
    assert_eq!(id_on(&limits, "2026-06-01"), Some("later"));
    assert_eq!(supersede(&mut limits, date("2026-03-01"), Supersedes::Everything).len(), 1);
    assert_eq!(id_on(&limits, "2026-06-01"), None);
}

#[test]
fn a_limit_granted_before_one_for_later_ends_where_that_begins() {
    let later = standing("later", 3, "2026-06-01", Some("2026-06-30"));
    let mut now = standing("now", 1, "2026-03-01", None);
    now.superseded_from = taken_over_on(std::slice::from_ref(&later), date("2026-03-01"));
    let limits = [later, now];
    assert_eq!(id_on(&limits, "2026-05-31"), Some("now"));
    assert_eq!(id_on(&limits, "2026-06-01"), Some("later"));
    assert_eq!(id_on(&limits, "2026-07-01"), None);
}

#[test]
fn a_limit_that_has_ended_is_not_superseded() {
    let mut limits = vec![standing("past", 1, "2026-01-01", Some("2026-01-31"))];
    assert!(supersede(&mut limits, date("2026-02-01"), Supersedes::Everything).is_empty());
}

#[test]
fn before_the_first_limit_there_never_was_one() {
    let limits = [standing("first", 1, "2026-03-01", None)];
    assert_eq!(standing_on(&limits, date("2026-02-28")), Standing::Never);
}

#[test]
fn past_limits_are_left_out_but_for_the_last_when_no_other_is_left() {
    let limits =
        [standing("one", 1, "2026-01-01", Some("2026-01-31")), standing("two", 2, "2026-02-01", Some("2026-02-28"))];
    let kept =
        |on| -> Vec<String> { relevant_on(&limits, date(on)).iter().map(|limit| limit.limit_id.to_string()).collect() };
    assert_eq!(kept("2026-01-31"), ["two", "one"]);
    assert_eq!(kept("2026-02-01"), ["two"]);
    assert_eq!(kept("2026-03-01"), ["two"]);
}

#[test]
fn an_overlay_wins_on_its_last_day_and_is_gone_the_day_after() {
    let limits = [temporary(Overlay::Delta(yuan(5)), "2026-03-10", "2026-03-20")];
    for (on, valid) in [("2026-03-09", false), ("2026-03-10", true), ("2026-03-20", true), ("2026-03-21", false)] {
        assert_eq!(valid_on(&limits, date(on)).is_some(), valid, "{on}");
    }
}

#[test]
fn an_overlay_taken_back_no_longer_counts_on_that_day() {
    let mut limit = temporary(Overlay::Delta(yuan(5)), "2026-03-10", "2026-03-20");
    let act = Act { by: SubjectId::parse("mo").unwrap(), at: chrono::DateTime::UNIX_EPOCH };
    limit.revocation = Some(Revocation { on: date("2026-03-15"), act, reason: "over".to_owned() });
    assert!(valid_on(std::slice::from_ref(&limit), date("2026-03-14")).is_some());
    assert!(valid_on(std::slice::from_ref(&limit), date("2026-03-15")).is_none());
    // and its days are free for another
    assert!(overlapping(&[limit], period("2026-03-15", Some("2026-03-16"))).is_none());
}

#[test]
fn what_an_overlay_makes_of_a_limit() {
    let (delta, absolute) = (Overlay::Delta(yuan(5)), Overlay::Absolute(yuan(7)));
    let amount = |units| Limit::Amount(yuan(units));
    for (overlay, limit, result) in [
        (delta, amount(10), amount(15)),
        (delta, Limit::None, amount(5)),
        (delta, Limit::Unlimited, Limit::Unlimited),
        (absolute, amount(10), amount(7)),
        (absolute, Limit::None, amount(7)),
        (absolute, Limit::Unlimited, amount(7)),
    ] {
        assert_eq!(overlay.over(limit), Ok(result), "{overlay:?} over {limit:?}");
    }
}

#[test]
fn an_overlay_beyond_what_money_can_hold_is_an_error() {
    let most = Money::new(i64::MAX, yuan(0).currency());
    assert!(Overlay::Delta(yuan(1)).over(Limit::Amount(most)).is_err());
}

#[test]
fn a_freeze_makes_it_zero_whatever_else_holds() {
    let limits = [standing("limit", 100, "2026-01-01", None)];
    let overlays = [temporary(Overlay::Delta(yuan(5)), "2026-03-10", "2026-03-20")];
    let frozen = [freeze("2026-03-11", Some("2026-03-13"))];
    for (on, limit, kinds) in [
        ("2026-03-09", 100, vec![LineKind::Standing]),
        ("2026-03-10", 105, vec![LineKind::Standing, LineKind::TemporaryDelta]),
        ("2026-03-11", 0, vec![LineKind::Standing, LineKind::TemporaryDelta, LineKind::Frozen]),
        ("2026-03-12", 0, vec![LineKind::Standing, LineKind::TemporaryDelta, LineKind::Frozen]),
        ("2026-03-13", 105, vec![LineKind::Standing, LineKind::TemporaryDelta]),
    ] {
        let answer = in_force(yuan(0).currency(), &limits, &overlays, &frozen, date(on)).unwrap();
        assert_eq!(answer.limit, Limit::Amount(yuan(limit)), "{on}");
        assert_eq!(answer.lines.iter().map(|line| line.kind).collect::<Vec<_>>(), kinds, "{on}");
    }
}

#[test]
fn a_delta_over_an_expired_limit_counts_from_zero() {
    let limits = [standing("limit", 100, "2026-01-01", Some("2026-01-31"))];
    let overlays = [temporary(Overlay::Delta(yuan(5)), "2026-03-10", "2026-03-20")];
    let answer = in_force(yuan(0).currency(), &limits, &overlays, &[], date("2026-03-10")).unwrap();
    assert_eq!(answer.limit, Limit::Amount(yuan(5)));
}

fn day() -> impl Strategy<Value = NaiveDate> {
    (0_i64..60).prop_map(|days| add_days(date("2026-01-01"), days).unwrap())
}

proptest! {
    /// Granting one limit after another, as the context does, on any days: no two ever count on the same day.
    #[test]
    fn whatever_is_granted_a_day_has_at_most_one_limit(
        grants in prop::collection::vec((day(), prop::option::of(0_i64..30), any::<bool>()), 1..12),
        on in day(),
    ) {
        let mut limits: Vec<StandingLimit> = Vec::new();
        for (number, (from, length, cut)) in grants.iter().enumerate() {
            let what = if *cut { Supersedes::Everything } else { Supersedes::UpToItsStart };
            supersede(&mut limits, *from, what);
            let mut limit = standing(&number.to_string(), 1, "2026-01-01", None);
            limit.period = Period { from: *from, to: length.and_then(|length| add_days(*from, length)) };
            limit.superseded_from = taken_over_on(&limits, *from);
            limits.push(limit);
        }
        let counting = limits.iter().filter_map(StandingLimit::effective).filter(|period| period.holds_on(on)).count();
        prop_assert!(counting <= 1);
        let holds = matches!(standing_on(&limits, on), Standing::Holds(_));
        prop_assert_eq!(holds, counting == 1);
    }

    #[test]
    fn overlap_is_a_shared_day(a in day(), b in day(), c in day(), d in day()) {
        let one = Period { from: a.min(b), to: Some(a.max(b)) };
        let two = Period { from: c.min(d), to: Some(c.max(d)) };
        let shared = (0..120).filter_map(|n| add_days(date("2025-12-15"), n)).any(|day| one.holds_on(day) && two.holds_on(day));
        prop_assert_eq!(one.overlaps(two), shared);
    }

    #[test]
    fn dropping_the_past_changes_no_day_from_today(from in day(), length in 0_i64..30, today in day(), ahead in 0_i64..60) {
        let mut limit = standing("limit", 1, "2026-01-01", None);
        limit.period = Period { from, to: add_days(from, length) };
        let limits = vec![limit];
        let on = add_days(today, ahead).unwrap();
        let kept = relevant_on(&limits, today);
        let amount = |limits: &[StandingLimit]| in_force(yuan(0).currency(), limits, &[], &[], on).unwrap().limit;
        prop_assert_eq!(amount(&limits), amount(&kept));
    }
}
