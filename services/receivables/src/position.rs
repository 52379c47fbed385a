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

/// Items told in one message: one comes to less than 1 KiB, and with all else a message has to stay below 4 MiB.
pub(crate) const ITEMS_MAX: usize = 1_000;

impl Position {
    /// The same position as often as it takes to tell of all its items. Order lines and behaviour come with the first.
    pub(crate) fn parts(mut self) -> Vec<Position> {
        if self.items.len() <= ITEMS_MAX {
            return vec![self];
        }
        let items = std::mem::take(&mut self.items);
        let mut rest = items.chunks(ITEMS_MAX);
        let first = rest.next().unwrap_or_default();
        let bare = Position { order_lines: Vec::new(), behaviour: None, ..self.clone() };
        let mut parts = vec![Position { items: first.to_vec(), ..self }];
        parts.extend(rest.map(|items| Position { items: items.to_vec(), ..bare.clone() }));
        parts
    }
}
