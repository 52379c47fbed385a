//! An order as the order pipeline asks for it, and the digest of its content that makes the gate's answers repeatable.
//! Knows nothing of what happened to the order since. Amounts are minor units of the order's currency.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use weir_model::{AccountId, Currency, LineId, OrderId, SubjectId};

use crate::brief::is_default;
use crate::commitment::Line;
use crate::exposure::Overflow;

/// Where in the life of an order the gate is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checkpoint {
    /// A contract is signed.
    Contract,
    /// An order is accepted.
    Order,
    /// A delivery is planned.
    Delivery,
    /// Goods leave.
    GoodsIssue,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Its id within the order.
    pub line_id: LineId,
    /// Its gross value; not negative.
    pub amount: i64,
}

/// An order in one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub order_id: OrderId,
    /// Its revision, 1 for the first.
    pub revision: i32,
    /// The account that pays.
    pub account_id: AccountId,
    /// The currency of every amount.
    pub currency: Currency,
    /// Its lines, each id once.
    pub lines: Vec<OrderLine>,
    /// Part of its value paid in advance; between zero and the value.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prepaid: i64,
    /// Planned ship date.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ship_date: Option<NaiveDate>,
    /// Terms in days; 0 for those granted to the account.
    #[serde(default, skip_serializing_if = "is_default")]
    pub terms_days: i32,
    /// Discount on it, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_percent: Option<Decimal>,
    /// Who asks for it.
    pub requested_by: SubjectId,
    /// Whose call brought it here; who asks for it is only what that caller says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_by: Option<SubjectId>,
    /// Where in its life the gate was asked.
    pub checkpoint: Checkpoint,
}

/// Digest of a content: the same content, the same digest. Written as hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Content(#[serde(with = "crate::brief::hex")] [u8; 16]);

impl Content {
    /// The digest of anything that prints as JSON.
    pub fn of(value: &impl Serialize) -> Self {
        let text = serde_json::to_vec(value).expect("plain structs of texts and numbers are JSON");
        let mut digest = [0; 16];
        digest.iter_mut().zip(Sha256::digest(text)).for_each(|(to, from)| *to = from);
        Content(digest)
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Order {
    /// Its lines before anything happened to them.
    pub fn untouched_lines(&self) -> Vec<Line> {
        let untouched = |line: &OrderLine| Line {
            line_id: line.line_id.clone(),
            ordered: line.amount,
            cancelled: 0,
            delivered: 0,
            invoiced: 0,
        };
        self.lines.iter().map(untouched).collect()
    }

    /// Gross value of all lines.
    pub fn value(&self) -> Result<i64, Overflow> {
        let sum: i128 = self.lines.iter().map(|line| i128::from(line.amount)).sum();
        i64::try_from(sum).map_err(|_| Overflow)
    }

    /// The part of the value that needs credit.
    pub fn credit_needed(&self) -> Result<i64, Overflow> {
        Ok((self.value()? - self.prepaid).max(0))
    }

    /// Whether somebody asked for it, in their own name or another's.
    pub fn is_asked_by(&self, subject: &SubjectId) -> bool {
        self.requested_by == *subject || self.submitted_by.as_ref() == Some(subject)
    }

    /// Digest of what was asked. Who asked is no part of it: another replica of the pipeline may repeat the call. Nor
    /// is the order of the lines.
    pub fn content(&self) -> Content {
        let mut lines: Vec<_> = self.lines.iter().map(|line| (line.line_id.as_str(), line.amount)).collect();
        lines.sort_unstable();
        Content::of(&(
            (self.account_id.as_str(), self.currency, lines),
            (self.prepaid, self.ship_date, self.terms_days, self.discount_percent, self.checkpoint),
        ))
    }
}
