//! A document as it was handed in: invoice, credit note, debit note or charge, and the items it becomes.
//!
//! The whole content is kept, so that the same number with another content is found out. Knows no storage.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, CorrelationId, Currency, IdError, ItemId, LineId, Money, OrderId, TextId};

use crate::item::{Attributes, ItemKind};

/// Longest document number, in characters: leaves room in an item id for the number of an instalment.
const NUMBER_LENGTH_MAX: usize = 60;

/// Number of a document or payment, as printed on it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct DocumentNumber(ItemId);

impl TextId for DocumentNumber {
    fn parse(text: &str) -> Result<Self, IdError> {
        let id = ItemId::parse(text)?;
        if text.len() > NUMBER_LENGTH_MAX { Err(IdError::TooLong) } else { Ok(DocumentNumber(id)) }
    }

    fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for DocumentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DocumentNumber({})", self.0)
    }
}

/// A part of a document that belongs to a line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub order_id: OrderId,
    pub line_id: LineId,
    pub amount: Money,
}

/// A document's amount by due date: one row, or one an instalment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DueRow {
    pub due_date: NaiveDate,
    pub amount: Money,
}

/// A document to post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    pub kind: ItemKind,
    pub number: DocumentNumber,
    pub account_id: AccountId,
    pub document_date: NaiveDate,
    /// As handed in; see [`Document::posting_date`].
    pub posting_date: Option<NaiveDate>,
    pub amount: Money,
    /// At least one; they sum to the amount.
    pub rows: Vec<DueRow>,
    pub lines: Vec<Line>,
    pub order_id: Option<OrderId>,
    /// The document a credit note corrects.
    pub corrects: Option<DocumentNumber>,
    pub attributes: Attributes,
    pub correlation_id: Option<CorrelationId>,
}

impl Document {
    pub(crate) fn currency(&self) -> Currency {
        self.amount.currency()
    }

    /// Date from which it counts: as handed in, else its own date, but never a day that has not come.
    pub(crate) fn posting_date(&self, today: NaiveDate) -> NaiveDate {
        self.posting_date.unwrap_or(self.document_date).min(today)
    }

    /// The order behind it: the one named, else the one all its lines belong to.
    pub(crate) fn order(&self) -> Option<&OrderId> {
        let first = self.lines.first().map(|line| &line.order_id);
        let alone = first.filter(|order| self.lines.iter().all(|line| line.order_id == **order));
        self.order_id.as_ref().or(alone)
    }

    /// Its items: id and row. The id is the document's number, with the number of the instalment where there are some.
    pub(crate) fn items(&self) -> Vec<(ItemId, DueRow)> {
        let Document { number, rows, .. } = self;
        if let [row] = rows.as_slice() {
            return vec![(number.0.clone(), *row)];
        }
        let id = |n: usize| ItemId::parse(&format!("{number}/{n}")).expect("60 characters, a slash and three digits");
        rows.iter().enumerate().map(|(index, row)| (id(index + 1), *row)).collect()
    }
}
