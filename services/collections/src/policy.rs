//! The strategies in force, and which of them an account follows. Knows no storage.

use std::collections::BTreeMap;

use weir_model::StrategyId;

use crate::strategy::{Grade, Strategy};

/// The strategies in force.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// Goes up with each activation: a run is named by its date and this.
    pub version: i64,
    /// For every account without a strategy of its grade.
    pub default: (StrategyId, Strategy),
    /// By grade.
    pub by_grade: BTreeMap<Grade, (StrategyId, Strategy)>,
}

impl Policy {
    /// The strategy of an account.
    pub(crate) fn of(&self, grade: Option<Grade>) -> &(StrategyId, Strategy) {
        grade.and_then(|grade| self.by_grade.get(&grade)).unwrap_or(&self.default)
    }

    /// All of them, the default first, then by grade.
    pub(crate) fn all(&self) -> impl Iterator<Item = &(StrategyId, Strategy)> {
        std::iter::once(&self.default).chain(self.by_grade.values())
    }
}
