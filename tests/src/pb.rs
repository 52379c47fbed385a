//! Messages in short, for tests.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_model::{Currency, Money};
use weir_wire::{
    emit,
    google::r#type as pb,
    order_gate::v1::{Order, OrderLine},
};

/// An amount of whole yuan.
pub fn cny(yuan: i64) -> pb::Money {
    let currency = Currency::from_code("CNY").expect("a currency");
    emit::money(Money::new(yuan * 100, currency))
}

/// A date.
pub fn date(date: NaiveDate) -> pb::Date {
    emit::date(date)
}

/// A number, as it is written.
pub fn decimal(text: &str) -> pb::Decimal {
    emit::decimal(text.parse::<Decimal>().expect("a decimal number"))
}

/// An order of one line.
pub fn order(order_id: &str, account_id: &str, yuan: i64) -> Order {
    Order {
        order_id: order_id.to_owned(),
        revision: 1,
        account_id: account_id.to_owned(),
        currency_code: "CNY".to_owned(),
        lines: vec![OrderLine { line_id: "1".to_owned(), amount: Some(cny(yuan)) }],
        ..Order::default()
    }
}

/// A request id made of what the request is for.
pub fn request_id(of: &str, what: &str) -> String {
    format!("{of}:{what}")
}
