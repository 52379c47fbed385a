//! What an account owes and is about to owe: a vector, not a number (rule 4.1). Amounts are minor units of one currency;
//! what is owed in others is one converted part.
//! Overdue is a matter of the date asked for, so midnight needs no job.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::brief::is_default;
use crate::commitment::Reserved;

/// An amount would exceed 64-bit minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount exceeds what can be represented")]
pub struct Overflow;

/// What is due on one date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The date.
    pub date: NaiveDate,
    /// What is open; positive.
    pub open: i64,
    /// The disputed part of it.
    pub disputed: i64,
}

/// A part of the exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Invoiced, not yet due.
    OpenNotDue,
    /// Invoiced and past due.
    Overdue,
    /// The disputed part of what is invoiced.
    Disputed,
    /// Reserved by orders, not yet delivered.
    Ordered,
    /// Delivered, not yet invoiced.
    DeliveredNotBilled,
}

impl Component {
    /// Every part.
    pub const ALL: [Component; 5] = [
        Component::OpenNotDue,
        Component::Overdue,
        Component::Disputed,
        Component::Ordered,
        Component::DeliveredNotBilled,
    ];

    /// What it is called among people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Component::OpenNotDue => "what is open and not due",
            Component::Overdue => "what is overdue",
            Component::Disputed => "what is disputed",
            Component::Ordered => "what is ordered",
            Component::DeliveredNotBilled => "what is delivered and not billed",
        }
    }
}

/// What of an exposure is not compared with the limit. Disputed amounts stay in with the rest (rule 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each part is left out or not, whatever the others are")]
pub struct LeftOut {
    /// Invoiced, not yet due.
    pub open_not_due: bool,
    /// Invoiced and past due.
    pub overdue: bool,
    /// Reserved by orders, not yet delivered.
    pub ordered: bool,
    /// Delivered, not yet invoiced.
    pub delivered_not_billed: bool,
    /// Credit not yet allocated.
    pub unapplied_credit: bool,
}

/// Exposure of an account on a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exposure {
    /// Invoiced, not yet due, due today included.
    #[serde(default, skip_serializing_if = "is_default")]
    pub open_not_due: i64,
    /// Invoiced and past due.
    #[serde(default, skip_serializing_if = "is_default")]
    pub overdue: i64,
    /// The disputed part of the two above.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disputed: i64,
    /// Reserved by approved orders, not yet delivered.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ordered: i64,
    /// Delivered, not yet invoiced.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delivered_not_billed: i64,
    /// Credit not yet allocated, as a positive amount.
    #[serde(default, skip_serializing_if = "is_default")]
    pub unapplied_credit: i64,
    /// The part of ordered and delivered that is paid in advance.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prepaid: i64,
    /// Net exposure in other currencies, converted, summed and then rounded up.
    #[serde(default, skip_serializing_if = "is_default")]
    pub elsewhere: i64,
    /// What of it is not compared with the limit.
    #[serde(default, skip_serializing_if = "is_default")]
    pub left_out: LeftOut,
}

/// What is owed in one currency with nothing left out: what is open and reserved less what is set against it, not below
/// zero. It counts in a group's pool.
pub(crate) fn whole(open: i128, unapplied_credit: i64, reserved: Reserved) -> i128 {
    let credit = i128::from(unapplied_credit).max(reserved.prepaid.min(reserved.remaining()));
    (open + reserved.remaining() - credit).max(0)
}

impl Exposure {
    /// The exposure that open items, unapplied credit and commitments make on a date.
    pub fn on(
        today: NaiveDate,
        schedule: &[Due],
        unapplied_credit: i64,
        reserved: Reserved,
    ) -> Result<Exposure, Overflow> {
        let (mut not_due, mut overdue, mut disputed) = (0_i128, 0_i128, 0_i128);
        for due in schedule {
            let open = if due.date < today { &mut overdue } else { &mut not_due };
            *open += i128::from(due.open);
            disputed += i128::from(due.disputed);
        }
        let exposure = Exposure {
            open_not_due: narrow(not_due)?,
            overdue: narrow(overdue)?,
            disputed: narrow(disputed)?,
            ordered: 0,
            delivered_not_billed: 0,
            unapplied_credit,
            prepaid: 0,
            elsewhere: 0,
            left_out: LeftOut::default(),
        };
        exposure.with(reserved)
    }

    /// The same with parts that are not compared with the limit.
    #[must_use]
    pub fn without(self, left_out: LeftOut) -> Exposure {
        Exposure { left_out, ..self }
    }

    /// The same with what is owed in other currencies.
    pub fn and_elsewhere(self, elsewhere: i64) -> Result<Exposure, Overflow> {
        let exposure = Exposure { elsewhere, ..self };
        exposure.gross()?;
        Ok(exposure)
    }

    /// What counts of it in a group's pool; without what is owed in other currencies.
    pub(crate) fn whole(&self) -> i128 {
        let reserved = Reserved {
            ordered: self.ordered.into(),
            delivered: self.delivered_not_billed.into(),
            prepaid: self.prepaid.into(),
        };
        whole(self.open().into(), self.unapplied_credit, reserved)
    }

    /// One part of it; without what is owed in other currencies.
    pub fn component(&self, component: Component) -> i64 {
        match component {
            Component::OpenNotDue => self.open_not_due,
            Component::Overdue => self.overdue,
            Component::Disputed => self.disputed,
            Component::Ordered => self.ordered,
            Component::DeliveredNotBilled => self.delivered_not_billed,
        }
    }

    /// The same with more reserved.
    pub fn with(self, more: Reserved) -> Result<Exposure, Overflow> {
        let exposure = Exposure {
            ordered: narrow(i128::from(self.ordered) + more.ordered)?,
            delivered_not_billed: narrow(i128::from(self.delivered_not_billed) + more.delivered)?,
            prepaid: narrow(i128::from(self.prepaid) + more.prepaid)?,
            ..self
        };
        exposure.gross()?;
        Ok(exposure)
    }

    /// What is invoiced and open; without what is owed in other currencies.
    pub fn open(&self) -> i64 {
        // both are parts of a sum that was checked
        self.open_not_due.saturating_add(self.overdue)
    }

    /// Open, overdue, delivered and ordered together, and what is owed in other currencies.
    pub fn gross(&self) -> Result<i64, Overflow> {
        let parts = [self.open_not_due, self.overdue, self.ordered, self.delivered_not_billed, self.elsewhere];
        narrow(parts.into_iter().map(i128::from).sum())
    }

    /// What is set against it: unapplied credit or what orders were paid in advance, whichever is more. A payment
    /// recorded for an order is unapplied credit until the invoice comes; it counts once. What is left out is neither
    /// owed nor paid in advance.
    pub fn credit(&self) -> i64 {
        let left_out = self.left_out;
        let unapplied = if left_out.unapplied_credit { 0 } else { self.unapplied_credit };
        let prepayable = counted(left_out.ordered, self.ordered)
            .saturating_add(counted(left_out.delivered_not_billed, self.delivered_not_billed));
        unapplied.max(self.prepaid.min(prepayable))
    }

    /// Gross without what is left out, less credit, not below zero, and what is owed in other currencies: what the limit
    /// is compared with. Credit in one currency covers nothing in another.
    pub fn net(&self) -> Result<i64, Overflow> {
        let left_out = self.left_out;
        let parts = [
            counted(left_out.open_not_due, self.open_not_due),
            counted(left_out.overdue, self.overdue),
            counted(left_out.ordered, self.ordered),
            counted(left_out.delivered_not_billed, self.delivered_not_billed),
        ];
        let counted = narrow(parts.into_iter().map(i128::from).sum())?;
        counted.saturating_sub(self.credit()).max(0).checked_add(self.elsewhere).ok_or(Overflow)
    }
}

fn counted(is_left_out: bool, amount: i64) -> i64 {
    if is_left_out { 0 } else { amount }
}

fn narrow(amount: i128) -> Result<i64, Overflow> {
    i64::try_from(amount).map_err(|_| Overflow)
}
