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
    /// Whether it goes on with the part before: the same state, further items and order lines.
    pub continues: bool,
}

/// Items told in one message: one comes to less than 1 KiB, and with all else a message has to stay below 4 MiB.
pub(crate) const ITEMS_MAX: usize = 1_000;

/// Order lines told in one message: one comes to less than 200 bytes.
pub(crate) const LINES_MAX: usize = 5_000;

impl Position {
    /// The same position as often as it takes to tell of all its items and order lines. Behaviour comes with the first.
    pub(crate) fn parts(mut self) -> Vec<Position> {
        if self.items.len() <= ITEMS_MAX && self.order_lines.len() <= LINES_MAX {
            return vec![self];
        }
        let (items, order_lines) = (std::mem::take(&mut self.items), std::mem::take(&mut self.order_lines));
        let (mut items, mut order_lines) = (items.chunks(ITEMS_MAX), order_lines.chunks(LINES_MAX));
        let further = items.len().max(order_lines.len()).saturating_sub(1);
        let bare = Position { behaviour: None, continues: true, ..self.clone() };
        std::iter::once(self)
            .chain(std::iter::repeat_n(bare, further))
            .map(|part| Position {
                items: items.next().unwrap_or_default().to_vec(),
                order_lines: order_lines.next().unwrap_or_default().to_vec(),
                ..part
            })
            .collect()
    }
}
