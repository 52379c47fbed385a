//! What an account's orders of the last months were worth, by the day they passed. Kept only while a rule asks; from its
//! orders, so that it can be added up anew. Amounts are minor units.

use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use weir_model::Currency;

/// The months whose orders are averaged.
const MONTHS: Months = Months::new(3);
/// The months that are kept: a check may be for a day that is a while ago.
const MONTHS_KEPT: Months = Months::new(4);

/// How many orders there are, and what they are worth together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Orders {
    /// How many.
    pub count: i64,
    /// In minor units of one currency.
    pub value: i128,
}

/// Orders that passed on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Day {
    currency: Currency,
    date: NaiveDate,
    orders: Orders,
}

/// What an account's orders were worth.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pattern {
    /// Goes up with each change.
    version: i64,
    /// Without those on which nothing passed, in order of currency and date.
    days: Vec<Day>,
}

/// An order as it passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PassedOrder {
    pub(crate) currency: Currency,
    pub(crate) date: NaiveDate,
    /// Its gross value.
    pub(crate) value: i64,
}

impl Pattern {
    /// Goes up with each change.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// An order passed.
    pub(crate) fn add(&mut self, order: PassedOrder) {
        self.change(order, 1);
    }

    /// An order passed otherwise than it did.
    pub(crate) fn take_back(&mut self, order: PassedOrder) {
        self.change(order, -1);
    }

    fn change(&mut self, PassedOrder { currency, date, value }: PassedOrder, sign: i64) {
        self.version += 1;
        let found = self.days.binary_search_by_key(&(currency, date), |day| (day.currency, day.date));
        let index = found.unwrap_or_else(|index| {
            self.days.insert(index, Day { currency, date, orders: Orders::default() });
            index
        });
        let Some(Day { orders, .. }) = self.days.get_mut(index) else { return };
        orders.count += sign;
        orders.value += i128::from(sign) * i128::from(value);
        if *orders == Orders::default() {
            self.days.remove(index);
        }
    }

    /// Forgets what no check can be about any more.
    pub(crate) fn forget(&mut self, today: NaiveDate) {
        let first = today.checked_sub_months(MONTHS_KEPT).unwrap_or(NaiveDate::MIN);
        self.days.retain(|day| day.date >= first);
    }

    /// The orders of three months up to a day, that day included; without one of them.
    pub(crate) fn up_to(&self, today: NaiveDate, currency: Currency, without: Option<PassedOrder>) -> Orders {
        let before = today.checked_sub_months(MONTHS).unwrap_or(NaiveDate::MIN);
        let counts = |of: Currency, date: NaiveDate| of == currency && before < date && date <= today;
        let mut orders = Orders::default();
        for day in self.days.iter().filter(|day| counts(day.currency, day.date)) {
            orders.count += day.orders.count;
            orders.value += day.orders.value;
        }
        if let Some(own) = without.filter(|own| counts(own.currency, own.date)) {
            orders.count -= 1;
            orders.value -= i128::from(own.value);
        }
        orders
    }
}
