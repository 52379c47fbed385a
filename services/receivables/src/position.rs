//! What an account owes in one currency after a change, as others are told it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Currency, LineId, Money, OrderId};

use crate::{behaviour::Behaviour, item::Item};

/// What is due on one date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DueAmount {
    pub due_date: NaiveDate,
    pub open: Money,
    pub disputed: Money,
}

/// How much of an order line has been invoiced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invoiced {
    pub order_id: OrderId,
    pub line_id: LineId,
    pub amount: Money,
}

/// What an account owes in one currency; state, not a delta. Items and order lines are those touched, or all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub account_id: AccountId,
    pub currency: Currency,
    pub version: i64,
    /// By due date, open amounts only.
    pub schedule: Vec<DueAmount>,
    pub unapplied: Money,
    pub items: Vec<Item>,
    pub order_lines: Vec<Invoiced>,
    /// Set when it moved.
    pub behaviour: Option<Behaviour>,
}
