//! Groups of accounts: a tree of at most eight levels without cycles.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, GroupId, Money};

/// Most groups from the top to the lowest.
pub(crate) const LEVELS_MAX: usize = 8;

/// How a member stands to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberFlags {
    /// Its exposure counts in the group's pool.
    pub(crate) shares_exposure: bool,
    /// A block of the group stops it too.
    pub(crate) inherits_block: bool,
}

impl MemberFlags {
    /// Those of whoever belongs to no group.
    pub(crate) const NONE: MemberFlags = MemberFlags { shares_exposure: false, inherits_block: false };
}

/// The group an account belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Membership {
    pub(crate) group_id: GroupId,
    pub(crate) flags: MemberFlags,
}

/// An account or a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MemberId {
    Account(AccountId),
    Group(GroupId),
}

/// A direct member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) id: MemberId,
    pub(crate) flags: MemberFlags,
}

/// A group with its direct members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) group_id: GroupId,
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) parent: Option<GroupId>,
    /// How it stands to the group above.
    pub(crate) flags: MemberFlags,
    /// How much its members may owe together.
    pub(crate) pool: Option<Money>,
    /// The account whose block is the group's; a member of it or of a group below it.
    pub(crate) head: Option<AccountId>,
    pub(crate) members: Vec<Member>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Why a group may not join another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// It would contain itself.
    Cycle,
    /// There would be more than eight levels.
    TooDeep,
}

/// Whether a group may join another: `line` is the group it joins and all above that, `height` the number of levels from
/// the newcomer down, itself included.
pub(crate) fn may_join(newcomer: &GroupId, line: &[GroupId], height: usize) -> Result<(), Misfit> {
    if line.contains(newcomer) {
        return Err(Misfit::Cycle);
    }
    if line.len() + height > LEVELS_MAX { Err(Misfit::TooDeep) } else { Ok(()) }
}

/// Whether an account may be the head of a group, which is for members of it or of a group below it: `line` is the group
/// the account is in and all above that.
pub(crate) fn may_head(group_id: &GroupId, line: &[GroupId]) -> bool {
    line.contains(group_id)
}

/// The groups a member is in no more when it moves from one line of groups to another, in the order of the first.
pub(crate) fn left<'a>(from: &'a [GroupId], to: &[GroupId]) -> impl Iterator<Item = &'a GroupId> {
    from.iter().filter(|group_id| !to.contains(group_id))
}
