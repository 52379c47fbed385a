//! The way of a request through the levels of approval. A level is asked only after the one before; who asked approves
//! nothing; one person gives one level.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{Money, Principal, Role, SubjectId};

use crate::{limit::Limit, policy::ApprovalLevel};

/// One level of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RouteStep {
    pub(crate) level: i64,
    /// The authority its approver needs; none for the last level of an unlimited limit, which takes an admin.
    pub(crate) authority: Option<Money>,
    pub(crate) approval: Option<Approval>,
}

/// Who approved a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Approval {
    pub(crate) by: SubjectId,
    pub(crate) at: DateTime<Utc>,
    pub(crate) comment: String,
}

/// How many of a currency's levels a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those its amount lies above.
    ByAmount,
    /// All of them: it asks for more than the grade's range.
    Everybody,
}

/// The levels that must approve a limit, lowest first; level 1 always.
///
/// The last level's authority covers the whole amount; an earlier one's covers it up to where the next level begins,
/// since its approval alone grants nothing.
pub(crate) fn route(limit: Limit, levels: &[&ApprovalLevel], reach: Reach) -> Vec<RouteStep> {
    let needed = |level: &&&ApprovalLevel| match (reach, limit) {
        (Reach::Everybody, _) | (_, Limit::Unlimited) => true,
        (Reach::ByAmount, Limit::Amount(amount)) => level.level == 1 || amount.minor() > level.above.minor(),
        (Reach::ByAmount, Limit::None) => level.level == 1,
    };
    let needed: Vec<&ApprovalLevel> = levels.iter().filter(needed).copied().collect();
    let next_begins = needed.iter().skip(1).map(|level| Some(level.above)).chain([None]);
    needed
        .iter()
        .zip(next_begins)
        .map(|(level, next_begins)| RouteStep {
            level: level.level,
            authority: match (limit, next_begins) {
                (Limit::Amount(amount), Some(next)) if next.minor() < amount.minor() => Some(next),
                (Limit::Amount(amount), _) => Some(amount),
                (_, next) => next,
            },
            approval: None,
        })
        .collect()
}

/// Why an approval does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Another level is due; none when all have approved.
    NotDue { due: Option<i64> },
    /// The approver asked for it.
    SelfApproval,
    /// The approver gave an earlier level.
    AlreadyVoted,
    /// The approver's authority is too small.
    Authority { needed: Money, has: Money },
    /// An unlimited limit takes an admin.
    AdminNeeded,
}

/// Whether everybody on a route has approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A further level is due.
    MoreToCome,
    /// All levels have approved.
    Complete,
}

/// Adds an approval to the level that is due. `level` is the one the approver means; none for whichever is due.
pub(crate) fn approve(
    route: &mut [RouteStep],
    level: Option<i64>,
    askers: &[&SubjectId],
    approver: &Principal,
    (at, comment): (DateTime<Utc>, &str),
) -> Result<Progress, Refusal> {
    if askers.contains(&&approver.subject) {
        return Err(Refusal::SelfApproval);
    }
    if route.iter().filter_map(|step| step.approval.as_ref()).any(|approval| approval.by == approver.subject) {
        return Err(Refusal::AlreadyVoted);
    }
    let open = route.iter().filter(|step| step.approval.is_none()).count();
    let Some(due) = route.iter_mut().find(|step| step.approval.is_none()) else {
        return Err(Refusal::NotDue { due: None });
    };
    if level.is_some_and(|level| level != due.level) {
        return Err(Refusal::NotDue { due: Some(due.level) });
    }
    match due.authority {
        Some(needed) => {
            let has = approver.authority_in(needed.currency());
            if has.minor() < needed.minor() {
                return Err(Refusal::Authority { needed, has });
            }
        }
        None if !approver.has(Role::Admin) => return Err(Refusal::AdminNeeded),
        None => {}
    }
    due.approval = Some(Approval { by: approver.subject.clone(), at, comment: comment.to_owned() });
    Ok(if open == 1 { Progress::Complete } else { Progress::MoreToCome })
}
