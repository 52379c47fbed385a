//! Business days, and what a company means to do on which of them. Pure.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate, Weekday};
use weir_model::add_days;

/// Something a company does, or has done to it, on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// It orders.
    Order,
    /// Its goods leave.
    Deliver(Goods),
    /// They are invoiced.
    Invoice(Goods),
    /// It pays.
    Pay(Debt),
    /// It disputes an invoice.
    Dispute(Debt),
    /// The dispute is cleared.
    Clear(Debt),
}

/// An order that passed the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Goods {
    pub(super) order_id: String,
    /// In minor units.
    pub(super) amount: i64,
    /// Whether it is paid in advance.
    pub(super) is_prepaid: bool,
}

/// An invoice to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Debt {
    pub(super) document: String,
    /// In minor units.
    pub(super) amount: i64,
}

/// Deeds by day.
#[derive(Debug, Clone, Default)]
pub(super) struct Diary(BTreeMap<NaiveDate, Vec<Deed>>);

impl Diary {
    /// Notes a deed for a day.
    pub(super) fn note(&mut self, day: NaiveDate, deed: Deed) {
        self.0.entry(day).or_default().push(deed);
    }

    /// Takes the deeds of a day that fit.
    pub(super) fn take(&mut self, day: NaiveDate, fits: impl Fn(&Deed) -> bool) -> Vec<Deed> {
        let Some(deeds) = self.0.get_mut(&day) else { return Vec::new() };
        let (taken, kept) = std::mem::take(deeds).into_iter().partition(fits);
        *deeds = kept;
        taken
    }

    /// Moves the payment of a document to a day; answers whether there is one after that day.
    pub(super) fn pay_by(&mut self, document: &str, day: NaiveDate) -> bool {
        let is_it = |deed: &Deed| matches!(deed, Deed::Pay(debt) if debt.document == document);
        let planned = self.0.iter().find(|(_, deeds)| deeds.iter().any(is_it)).map(|(planned, _)| *planned);
        let Some(planned) = planned.filter(|planned| *planned > day) else { return false };
        for deed in self.take(planned, is_it) {
            self.note(day, deed);
        }
        true
    }
}

/// Whether people work.
pub(super) fn is_business_day(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// The day so many days later.
pub(super) fn later(day: NaiveDate, days: i64) -> NaiveDate {
    add_days(day, days).expect("a year of the calendar")
}

/// The day, or the next one on which people work.
pub(super) fn business_day(day: NaiveDate) -> NaiveDate {
    (0..3).map(|days| later(day, days)).find(|day| is_business_day(*day)).unwrap_or(day)
}

/// The day, or the last one before it on which people work.
pub(super) fn business_day_before(day: NaiveDate) -> NaiveDate {
    (0..3).map(|days| later(day, -days)).find(|day| is_business_day(*day)).unwrap_or(day)
}
