//! What goes into a column comes out of it, the same on both databases.
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use rust_decimal::Decimal;
use serde_json::json;
use weir_model::AccountId;

use crate::{Db, Id, Instant, Json, Migration, Rate, Uuid, on_both_databases, sql};

const VALUES: &[Migration] = &[Migration {
    version: 100,
    name: "values",
    sql: "create table samples (
            row {serial}, i {int}, m {money}, b {bool}, t {text}, d {date}, at {instant}, r {rate}, j {json}, u {uuid},
            raw {bytes}) {table};",
}];

#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
struct Sample {
    i: i64,
    m: i64,
    b: bool,
    t: String,
    d: NaiveDate,
    at: Instant,
    r: Rate,
    j: Json<serde_json::Value>,
    u: Uuid,
    raw: Vec<u8>,
}

async fn there_and_back(db: &Db, s: &Sample) -> crate::Result<Sample> {
    let insert = sql!(
        "insert into samples (i, m, b, t, d, at, r, j, u, raw) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         returning i, m, b, t, d, at, r, j, u, raw"
    );
    let mut tx = db.begin().await?;
    let query = tx.query(insert).bind(s.i).bind(s.m).bind(s.b).bind(s.t.as_str()).bind(s.d).bind(s.at);
    let back = query.bind(s.r).bind(&s.j).bind(s.u).bind(s.raw.as_slice()).one().await?;
    tx.commit().await?;
    Ok(back)
}

fn instant(text: &str) -> Instant {
    Instant(text.parse().unwrap())
}

fn sample() -> Sample {
    Sample {
        i: 0,
        m: 0,
        b: false,
        t: String::new(),
        d: NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(),
        at: instant("2026-03-31T16:00:00.000001Z"),
        r: Rate(Decimal::ZERO),
        j: Json(json!(null)),
        u: Uuid::nil(),
        raw: vec![],
    }
}

on_both_databases! {
    async fn extremes_come_back_as_they_went(db: Db) {
        db.migrate(VALUES).await.unwrap();
        let least = Sample {
            i: i64::MIN,
            m: i64::MIN,
            d: NaiveDate::from_ymd_opt(1, 1, 1).unwrap(),
            at: instant("0001-01-01T00:00:00Z"),
            r: Rate(Decimal::MIN),
            ..sample()
        };
        let most = Sample {
            i: i64::MAX,
            m: i64::MAX,
            b: true,
            t: "上海 \u{10FFFF} ' \" \\ \n".to_owned(),
            d: NaiveDate::from_ymd_opt(9999, 12, 31).unwrap(),
            at: instant("9999-12-31T23:59:59.999999Z"),
            r: Rate(Decimal::MAX),
            j: Json(json!({"deep": [1, -1, "x", {"n": null}], "big": i64::MAX})),
            u: Uuid::max(),
            raw: vec![0, 255, 0],
        };
        let smallest_rate = Sample { r: Rate(Decimal::new(1, 28)), ..sample() };
        for wanted in [least, most, smallest_rate] {
            assert_eq!(there_and_back(&db, &wanted).await.unwrap(), wanted);
        }
    }

    async fn every_rate_and_instant_comes_back(db: Db) {
        db.migrate(VALUES).await.unwrap();
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let any = (any::<[u8; 16]>().prop_map(|b| Decimal::deserialize(with_scale(b))), any::<i64>());
        for _ in 0..40 {
            let (rate, micros) = any.new_tree(&mut runner).unwrap().current();
            let at = DateTime::<Utc>::from_timestamp_micros(micros.rem_euclid(253_402_300_799_000_000)).unwrap();
            let wanted = Sample { r: Rate(rate), at: Instant(at), i: micros, ..sample() };
            assert_eq!(there_and_back(&db, &wanted).await.unwrap(), wanted);
        }
    }

    async fn an_instant_outside_four_digit_years_is_refused(db: Db) {
        db.migrate(VALUES).await.unwrap();
        let last = instant("9999-12-31T23:59:59.999999Z").0;
        let beyond = Sample { at: Instant(last + TimeDelta::microseconds(1)), ..sample() };
        assert!(there_and_back(&db, &beyond).await.is_err());
    }

    async fn nanoseconds_are_cut_not_rounded(db: Db) {
        db.migrate(VALUES).await.unwrap();
        let fine: DateTime<Utc> = "2026-03-31T16:00:00.123456999Z".parse().unwrap();
        let back = there_and_back(&db, &Sample { at: Instant(fine), ..sample() }).await.unwrap();
        assert_eq!(back.at, instant("2026-03-31T16:00:00.123456Z"));
    }

    async fn instants_and_dates_sort_and_compare_as_time_does(db: Db) {
        db.migrate(VALUES).await.unwrap();
        let texts = ["0999-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2026-01-01T00:00:00.1Z"];
        for text in texts.iter().rev() {
            let at = instant(text);
            there_and_back(&db, &Sample { at, d: at.0.date_naive(), ..sample() }).await.unwrap();
        }
        let wanted: Vec<Instant> = texts.iter().map(|text| instant(text)).collect();
        let sorted: Vec<Instant> = db.query(sql!("select at from samples order by at")).scalars().await.unwrap();
        assert_eq!(sorted, wanted);
        let by_date: Vec<Instant> = db.query(sql!("select at from samples order by d")).scalars().await.unwrap();
        assert_eq!(by_date, wanted);
        let early: i64 =
            db.query(sql!("select count(*) from samples where at < $1")).bind(wanted[2]).scalar().await.unwrap();
        assert_eq!(early, 2);
    }

    async fn text_sorts_by_bytes(db: Db) {
        db.migrate(VALUES).await.unwrap();
        for t in ["b", "a", "B", "ä", "_", "10", "9"] {
            there_and_back(&db, &Sample { t: t.to_owned(), ..sample() }).await.unwrap();
        }
        let sorted: Vec<String> = db.query(sql!("select t from samples order by t")).scalars().await.unwrap();
        assert_eq!(sorted, ["10", "9", "B", "_", "a", "b", "ä"]);
    }

    async fn an_id_is_checked_when_it_is_read(db: Db) {
        db.migrate(VALUES).await.unwrap();
        for t in ["ACME-1", "not an id"] {
            there_and_back(&db, &Sample { t: t.to_owned(), ..sample() }).await.unwrap();
        }
        let read = async |t: &'static str| {
            db.query(sql!("select t from samples where t = $1")).bind(t).scalar::<Id<AccountId>>().await
        };
        assert_eq!(read("ACME-1").await.unwrap().0.as_str(), "ACME-1");
        assert!(read("not an id").await.is_err());
    }

    async fn absent_values_are_null(db: Db) {
        db.migrate(VALUES).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let query = tx.query(sql!("insert into samples (at, r, t) values ($1, $2, $3) returning at, r, t, i"));
        let query = query.bind(None::<Instant>).bind(None::<Rate>).bind(None::<&str>);
        let row: (Option<Instant>, Option<Rate>, Option<String>, Option<i64>) = query.one().await.unwrap();
        assert_eq!(row, (None, None, None, None));
    }
}

/// Any bytes as a decimal's: the scale held to its 28, the rest free.
fn with_scale(mut bytes: [u8; 16]) -> [u8; 16] {
    bytes[0] = 0;
    bytes[1] = 0;
    bytes[2] %= 29;
    bytes[3] &= 0x80;
    bytes
}
