//! Allocations, and the order in which credit finds its items: what is named, what fits exactly, what is oldest.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{AllocationId, ItemId, Money, PaymentId, SubjectId};

use crate::{
    item::Item,
    payment::{AllocationMode, Reference},
};

/// What gave the credit of an allocation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// A payment.
    Payment(PaymentId),
    /// A credit note, by its item.
    CreditNote(ItemId),
    /// The cancellation of the document itself; no credit was used.
    Cancellation(ItemId),
}

impl Source {
    /// Kind and id, as in columns.
    pub(crate) fn parts(&self) -> (&'static str, &str) {
        match self {
            Source::Payment(id) => ("payment", id.as_str()),
            Source::CreditNote(id) => ("credit_note", id.as_str()),
            Source::Cancellation(id) => ("cancellation", id.as_str()),
        }
    }

    pub(crate) fn from_parts(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "payment" => PaymentId::parse(id).ok().map(Source::Payment),
            "credit_note" => ItemId::parse(id).ok().map(Source::CreditNote),
            "cancellation" => ItemId::parse(id).ok().map(Source::Cancellation),
            _ => None,
        }
    }
}

/// A fact that stays: credit given to an item, or (negative) taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Allocation {
    pub id: AllocationId,
    pub item_id: ItemId,
    pub source: Source,
    /// Negative for the taking back of one.
    pub amount: Money,
    /// The allocation this one takes back.
    pub reverses: Option<AllocationId>,
    /// Date from which it counts.
    pub effective_date: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub recorded_by: SubjectId,
}

/// Which items get how much, and which names fitted none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub parts: Vec<(ItemId, Money)>,
    pub unmatched: Vec<String>,
}

/// Cuts an amount over the receivables it pays: named ones in the order named, then one that is open with exactly what
/// is left, then the oldest due. What no item takes stays with the payer as unapplied credit.
pub(crate) fn plan<'a>(
    items: impl IntoIterator<Item = &'a Item>,
    amount: Money,
    references: &[Reference],
    mode: AllocationMode,
) -> Plan {
    let mut oldest_first: Vec<&Item> = items.into_iter().filter(|item| !item.is_credit()).collect();
    oldest_first.sort_by(|a, b| (a.due_date, a.document_date, &a.id).cmp(&(b.due_date, b.document_date, &b.id)));
    let mut draft = Draft { left: amount.minor(), taken: BTreeMap::new(), order: Vec::new() };
    let mut unmatched = Vec::new();
    if mode != AllocationMode::Nothing {
        for reference in references {
            let named: Vec<&&Item> = oldest_first.iter().filter(|item| reference.names(item)).collect();
            if named.is_empty() {
                unmatched.push(reference.name.clone());
            }
            let mut most = reference.amount.map_or(i64::MAX, Money::minor);
            for item in named {
                most -= draft.take(item, most);
            }
        }
    }
    if mode == AllocationMode::Automatic && draft.left > 0 {
        if let Some(exact) = oldest_first.iter().find(|item| draft.open(item) == draft.left) {
            draft.take(exact, i64::MAX);
        }
        for item in &oldest_first {
            draft.take(item, i64::MAX);
        }
    }
    let Draft { taken, order, .. } = draft;
    let part = |id: ItemId| taken.get(&id).map(|minor| (id.clone(), Money::new(*minor, amount.currency())));
    Plan { parts: order.into_iter().filter_map(part).collect(), unmatched }
}

struct Draft {
    left: i64,
    taken: BTreeMap<ItemId, i64>,
    order: Vec<ItemId>,
}

impl Draft {
    /// What is still open of an item under the plan so far.
    fn open(&self, item: &Item) -> i64 {
        item.open.minor() - self.taken.get(&item.id).copied().unwrap_or(0)
    }

    /// Gives an item what it can take, at most `most`; returns how much.
    fn take(&mut self, item: &Item, most: i64) -> i64 {
        let part = self.open(item).min(most).min(self.left);
        if part <= 0 {
            return 0;
        }
        self.left -= part;
        if !self.taken.contains_key(&item.id) {
            self.order.push(item.id.clone());
        }
        *self.taken.entry(item.id.clone()).or_insert(0) += part;
        part
    }
}
