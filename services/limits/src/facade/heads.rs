//! Heads of groups: naming them, and keeping them where they are.
//!
//! A head is a member of its group or of a group below it. Who is head, and which group an open account or a group is in,
//! change only under the lock of the tree: what is read of the one holds until the change of the other is committed.

use weir_model::{AccountId, Call, GroupId, Reason};
use weir_store::{Done, Tx};

use super::{
    Limits, check_etag,
    groups::{require_group_in, save_group_in},
    require_account_in,
};
use crate::{
    Error,
    group::{Group, MemberId, left, may_head},
    store,
};

impl Limits {
    /// Names the account whose block is the group's, or none.
    pub(crate) async fn set_group_head(
        &self,
        call: &Call,
        id: &GroupId,
        head: Option<&AccountId>,
        etag: &str,
    ) -> Result<Done<Group>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                store::lock_tree(tx).await?;
                let mut row = require_group_in(tx, id).await?;
                check_etag(etag, row.version)?;
                if let Some(head) = head {
                    check_below_in(tx, head, id).await?;
                }
                row.head = head.cloned();
                save_group_in(tx, call, row, "group_head_set").await
            })
            .await
    }
}

/// Refuses an account that is a member neither of a group nor of one below it.
async fn check_below_in(tx: &mut Tx, account_id: &AccountId, id: &GroupId) -> Result<(), Error> {
    let line = match require_account_in(tx, account_id).await?.membership {
        Some(membership) => store::group_line(tx, &membership.group_id).await?,
        None => Vec::new(),
    };
    if may_head(id, &line) {
        return Ok(());
    }
    let message = format!("account {account_id} is not a member of group {id} or of a group below it");
    Err(Error::refused(Reason::WrongState, message))
}

/// Refuses to take the head of a group out of it: a member goes from one group to another, or to none.
pub(super) async fn keep_heads_in(
    tx: &mut Tx,
    member: &MemberId,
    from: &GroupId,
    to: Option<&GroupId>,
) -> Result<(), Error> {
    let from = store::group_line(tx, from).await?;
    let to = match to {
        Some(to) => store::group_line(tx, to).await?,
        None => Vec::new(),
    };
    for group_id in left(&from, &to) {
        let Some((head, home)) = store::head_of(tx, group_id).await? else { continue };
        let goes = match (member, home) {
            (MemberId::Account(account_id), _) => head == *account_id,
            (MemberId::Group(child_id), Some(home)) => store::group_line(tx, &home).await?.contains(child_id),
            (MemberId::Group(_), None) => false,
        };
        if goes {
            let message = format!("account {head} is the head of group {group_id}; name another head first");
            return Err(Error::refused(Reason::WrongState, message));
        }
    }
    Ok(())
}
