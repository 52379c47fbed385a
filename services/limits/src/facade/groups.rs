//! Groups: making them, members joining, moving and leaving, pools.

use weir_model::{Call, GroupId, Money, Reason};
use weir_store::{Done, Instant, Tx};

use super::{Limits, append_in, check_etag, heads::keep_heads_in, require_account_in, save_account_in};
use crate::{
    Error,
    event::Event,
    group::{Group, Member, MemberFlags, MemberId, Membership, Misfit, may_join},
    store::{self, GroupRow, Reader},
};

impl Limits {
    /// Makes a group.
    pub(crate) async fn create_group(&self, call: &Call, id: &GroupId, name: &str) -> Result<Done<Group>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let row = GroupRow {
                    group_id: id.clone(),
                    name: name.to_owned(),
                    version: 1,
                    parent: None,
                    flags: MemberFlags::NONE,
                    pool: None,
                    head: None,
                    created_at: Instant::from(call.at),
                };
                if !store::insert_group(tx, &row).await? {
                    return Err(Error::Exists { what: "group", id: id.to_string() });
                }
                append_group_in(tx, call, row, "group_created").await
            })
            .await
    }

    /// Puts a member into a group, or changes its flags.
    pub(crate) async fn add_member(
        &self,
        call: &Call,
        id: &GroupId,
        member: &Member,
        etag: &str,
    ) -> Result<Done<Group>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let present = enter_in(tx, id, &member.id, etag).await?;
                check_free(present.as_ref(), id)?;
                join_in(tx, call, id, member).await
            })
            .await
    }

    /// Puts a member into a group and out of the one it is in, in one step.
    pub(crate) async fn move_member(
        &self,
        call: &Call,
        id: &GroupId,
        member: &Member,
        etag: &str,
    ) -> Result<Done<Group>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let present = enter_in(tx, id, &member.id, etag).await?.filter(|present| present != id);
                if let Some(present) = &present {
                    keep_heads_in(tx, &member.id, present, Some(id)).await?;
                }
                let group = join_in(tx, call, id, member).await?;
                if let Some(present) = &present {
                    count_change_in(tx, call, present, "group_member_removed").await?;
                }
                Ok(group)
            })
            .await
    }

    /// Takes a member out of a group.
    pub(crate) async fn remove_member(
        &self,
        call: &Call,
        id: &GroupId,
        member: &MemberId,
        etag: &str,
    ) -> Result<Done<Group>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                store::lock_tree(tx).await?;
                let row = require_group_in(tx, id).await?;
                check_etag(etag, row.version)?;
                match member {
                    MemberId::Account(account_id) => {
                        let before = require_account_in(tx, account_id).await?;
                        if before.membership.as_ref().is_none_or(|membership| membership.group_id != *id) {
                            return Err(Error::not_found("member", account_id));
                        }
                        keep_heads_in(tx, member, id, None).await?;
                        let mut account = before.clone();
                        account.membership = None;
                        save_account_in(tx, call, &before, &mut account, "group_left").await?;
                    }
                    MemberId::Group(child_id) => {
                        let mut child = require_group_in(tx, child_id).await?;
                        if child.parent.as_ref() != Some(id) {
                            return Err(Error::not_found("member", child_id));
                        }
                        keep_heads_in(tx, member, id, None).await?;
                        child.parent = None;
                        child.flags = MemberFlags::NONE;
                        save_group_in(tx, call, child, "group_left").await?;
                    }
                }
                count_change_in(tx, call, id, "group_member_removed").await
            })
            .await
    }

    /// Sets a group's pool, or removes it.
    pub(crate) async fn set_group_limit(
        &self,
        call: &Call,
        id: &GroupId,
        pool: Option<Money>,
        etag: &str,
    ) -> Result<Done<Group>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let mut row = require_group_in(tx, id).await?;
                check_etag(etag, row.version)?;
                for needed in row.pool.iter().chain(&pool) {
                    let has = call.principal.authority_in(needed.currency());
                    if has.minor() < needed.minor() {
                        let message = format!("an authority of {has} does not cover {needed}");
                        return Err(Error::refused(Reason::AuthorityExceeded, message));
                    }
                }
                row.pool = pool;
                save_group_in(tx, call, row, "group_limit_set").await
            })
            .await
    }

    /// Groups without their members after an id, by id.
    pub(crate) async fn groups_alone(&self, after: Option<&GroupId>, limit: i64) -> Result<Vec<Group>, Error> {
        let rows = store::group_rows(&mut Reader::Db(&self.env.db), after, limit).await?;
        Ok(rows.into_iter().map(alone).collect())
    }

    /// Groups after an id, by id.
    pub(crate) async fn groups(&self, after: Option<&GroupId>, limit: i64) -> Result<Vec<Group>, Error> {
        let mut reader = Reader::Db(&self.env.db);
        let mut groups = Vec::new();
        for row in store::group_rows(&mut reader, after, limit).await? {
            groups.push(complete(&mut reader, row).await?);
        }
        Ok(groups)
    }
}

/// Looks at a group somebody is to enter; the group that is in now.
async fn enter_in(tx: &mut Tx, id: &GroupId, member: &MemberId, etag: &str) -> Result<Option<GroupId>, Error> {
    store::lock_tree(tx).await?;
    let row = require_group_in(tx, id).await?;
    check_etag(etag, row.version)?;
    Ok(match member {
        MemberId::Account(account_id) => {
            require_account_in(tx, account_id).await?.membership.map(|membership| membership.group_id)
        }
        MemberId::Group(child_id) => require_group_in(tx, child_id).await?.parent,
    })
}

/// Puts a member into a group, whichever it is in.
async fn join_in(tx: &mut Tx, call: &Call, id: &GroupId, member: &Member) -> Result<Group, Error> {
    match &member.id {
        MemberId::Account(account_id) => {
            let before = require_account_in(tx, account_id).await?;
            let mut account = before.clone();
            account.membership = Some(Membership { group_id: id.clone(), flags: member.flags });
            save_account_in(tx, call, &before, &mut account, "group_joined").await?;
        }
        MemberId::Group(child_id) => {
            let mut child = require_group_in(tx, child_id).await?;
            let line = store::group_line(tx, id).await?;
            let height = store::height_of(tx, child_id).await?;
            may_join(child_id, &line, height).map_err(misfit)?;
            child.parent = Some(id.clone());
            child.flags = member.flags;
            save_group_in(tx, call, child, "group_joined").await?;
        }
    }
    count_change_in(tx, call, id, "group_member_added").await
}

/// A group without its members.
fn alone(row: GroupRow) -> Group {
    Group {
        group_id: row.group_id,
        name: row.name,
        version: row.version,
        parent: row.parent,
        flags: row.flags,
        pool: row.pool,
        head: row.head,
        members: Vec::new(),
        created_at: row.created_at.get(),
    }
}

/// The group's row, locked.
pub(super) async fn require_group_in(tx: &mut Tx, id: &GroupId) -> Result<GroupRow, Error> {
    store::lock_group(tx, id).await?.ok_or_else(|| Error::not_found("group", id))
}

/// Counts a change of a group's members and tells the journal.
pub(super) async fn count_change_in(tx: &mut Tx, call: &Call, id: &GroupId, kind: &str) -> Result<Group, Error> {
    let row = require_group_in(tx, id).await?;
    save_group_in(tx, call, row, kind).await
}

/// Writes a changed group back as its next version and tells the journal.
pub(super) async fn save_group_in(tx: &mut Tx, call: &Call, mut row: GroupRow, kind: &str) -> Result<Group, Error> {
    row.version += 1;
    store::save_group(tx, &row).await?;
    append_group_in(tx, call, row, kind).await
}

async fn append_group_in(tx: &mut Tx, call: &Call, row: GroupRow, kind: &str) -> Result<Group, Error> {
    let group = complete(&mut Reader::Tx(tx), row).await?;
    let subject = (kind, group.group_id.as_str(), group.version);
    append_in(tx, call, subject, None, &Event::Group(group.clone())).await?;
    Ok(group)
}

/// A group with its direct members: accounts by id, then groups by id.
async fn complete(reader: &mut Reader<'_>, row: GroupRow) -> Result<Group, Error> {
    let mut members = store::members_of(reader, &row.group_id).await?;
    members.extend(store::child_groups_of(reader, &row.group_id).await?);
    Ok(Group { members, ..alone(row) })
}

/// Refuses what is a member of another group.
fn check_free(present: Option<&GroupId>, wanted: &GroupId) -> Result<(), Error> {
    match present {
        Some(present) if present != wanted => {
            Err(Error::refused(Reason::WrongState, format!("it is a member of group {present}; take it out first")))
        }
        _ => Ok(()),
    }
}

fn misfit(misfit: Misfit) -> Error {
    let message = match misfit {
        Misfit::Cycle => "the group would contain itself",
        Misfit::TooDeep => "there would be more than 8 levels of groups",
    };
    Error::refused(Reason::GroupCycle, message)
}
