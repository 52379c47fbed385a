//! A notice: what it lists, for whom, where it stands. Knows no template and no channel.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{CaseId, ItemId, Money, NoticeId};

/// Whom a notice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The debtor.
    Debtor,
    /// The finance manager, about an order that was held.
    HoldFinanceManager,
    /// The head of sales, about an order that was held.
    HoldSalesHead,
}

/// Where a notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// Waits to be sent.
    Queued,
    /// On its way.
    Sending,
    /// Handed over.
    Sent,
    /// Cancelled before it left.
    Cancelled,
    /// Could not be handed over.
    Failed,
}

/// Language of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Chinese, simplified.
    #[serde(rename = "zh-CN")]
    ZhCn,
}

impl Language {
    /// The language's tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::En => "en",
            Language::ZhCn => "zh-CN",
        }
    }
}

/// One line of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The item.
    pub item_id: ItemId,
    /// Number of the document, as printed on it.
    pub document_number: String,
    /// Date of the document.
    pub document_date: NaiveDate,
    /// Date by which it was to be paid.
    pub due_date: NaiveDate,
    /// Days past due on the date of the notice.
    pub days_past_due: i64,
    /// What it asks for.
    pub amount: Money,
    /// First day of the stage the item has reached once the notice is sent; none in notices made before days were kept.
    #[serde(default)]
    pub reached_day: Option<i64>,
}

/// Whether an unsent notice can still be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnsentState {
    /// It waits: it may be replaced or cancelled.
    Waiting,
    /// It could not be sent: it may be cancelled, and a run tries again with a fresh one in its place.
    Failed,
    /// It is on its way: nothing can be changed.
    Sending,
}

/// A notice to a debtor that has not been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsent {
    /// Its id.
    pub notice_id: NoticeId,
    /// The case it was made for.
    pub case_id: Option<CaseId>,
    /// Whether it can still be changed.
    pub state: UnsentState,
    /// Number of its stage.
    pub stage: i64,
    /// The oldest item it is about.
    pub anchor_item_id: ItemId,
    /// Business date it was made for.
    pub business_date: NaiveDate,
    /// What it lists.
    pub listed: Vec<Listed>,
}
