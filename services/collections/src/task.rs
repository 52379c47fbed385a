//! Something a person is to do about a case. Knows no storage.

use serde::{Deserialize, Serialize};
use weir_model::{ItemId, TaskId};

use crate::strategy::TaskKind;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// To be done.
    Open,
    /// Done by a person.
    Done,
    /// No longer needed.
    Closed,
}

/// A task of a case, as the rules know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    /// Its id.
    pub task_id: TaskId,
    /// What to do.
    pub kind: TaskKind,
    /// First day of the stage that asked for it, in days past due: its number means another stage on another ladder.
    /// None where no stage asked.
    pub stage_day: Option<i64>,
    /// The item that asked for it.
    pub item_id: ItemId,
    /// Where it stands.
    pub state: TaskState,
}
