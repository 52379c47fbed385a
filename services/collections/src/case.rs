//! A case: what an account owes in one currency, being collected. What of it follows from items and date alone is its
//! course, computed anew each time. Knows no storage.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use weir_model::{CaseId, ItemId, StrategyId};

use crate::{
    dunning,
    item::Item,
    strategy::{Owner, Strategy},
};

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Something is owed.
    Open,
    /// Everything it held is settled.
    Closed,
}

/// Where a case is by items and date, whatever notices have reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The strategy it follows.
    pub strategy_id: StrategyId,
    /// The oldest item that is not left alone.
    pub anchor_item_id: Option<ItemId>,
    /// Number of the stage that item is in; 0 for none.
    pub stage: i64,
    /// The dunning level the case gives its account.
    pub level: i64,
    /// Who works it.
    pub owner: Owner,
}

impl Course {
    /// The course of a case whose items that are not left alone are `active`; those whose age only is frozen where
    /// there are no others.
    pub fn of<'a>(
        strategy_id: &StrategyId,
        strategy: &Strategy,
        active: impl IntoIterator<Item = &'a Item>,
        as_of: NaiveDate,
    ) -> Self {
        let anchor = dunning::oldest(active, as_of);
        let stage = anchor.and_then(|item| strategy.stage_of(item.clock(as_of)));
        Course {
            strategy_id: strategy_id.clone(),
            anchor_item_id: anchor.map(|item| item.item_id.clone()),
            stage: stage.map_or(0, |stage| stage.number),
            level: stage.map_or(0, |stage| stage.level),
            owner: stage.map_or(Owner::Sales, |stage| stage.owner),
        }
    }
}

/// An open case, as the rules know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenCase {
    /// Its id.
    pub case_id: CaseId,
    /// Its course as last computed.
    pub course: Course,
}
