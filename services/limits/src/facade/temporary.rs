//! Temporary limits: granting and taking back.

use chrono::NaiveDate;
use weir_model::{AccountId, Call, LimitId, Reason, SubjectId};
use weir_store::{Done, Tx};

use super::{Limits, require_account_in, save_account_in};
use crate::{
    Error,
    account::CreditAccount,
    limit::Period,
    store,
    temporary::{Overlay, TemporaryLimit, overlapping},
};

/// A temporary limit to be granted.
#[derive(Debug, Clone)]
pub(crate) struct TemporaryWish {
    pub(crate) account_id: AccountId,
    pub(crate) overlay: Overlay,
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
    pub(crate) reason: String,
    pub(crate) requested_by: SubjectId,
}

impl Limits {
    /// Grants a temporary limit.
    pub(crate) async fn grant_temporary(
        &self,
        call: &Call,
        wish: &TemporaryWish,
    ) -> Result<Done<TemporaryLimit>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let before = require_account_in(tx, &wish.account_id).await?;
                may_grant(call, wish, &before)?;
                let limit = TemporaryLimit {
                    temporary_limit_id: self.env.ids.next::<LimitId>(),
                    overlay: wish.overlay,
                    from: wish.from,
                    to: wish.to,
                    reason: wish.reason.clone(),
                    requested_by: wish.requested_by.clone(),
                    granted_by: call.principal.subject.clone(),
                    granted_at: call.at,
                    revoked_on: None,
                };
                let mut account = before.clone();
                account.temporary_limits.push(limit.clone());
                account.check_amounts(call.today)?;
                store::insert_temporary(tx, &account, &limit).await?;
                save_account_in(tx, call, &before, &mut account, "temporary_limit_granted").await?;
                Ok(limit)
            })
            .await
    }

    /// Takes a temporary limit back from today.
    pub(crate) async fn revoke_temporary(
        &self,
        call: &Call,
        temporary_limit_id: &LimitId,
    ) -> Result<Done<CreditAccount>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let missing = || Error::not_found("temporary limit", temporary_limit_id);
                let account_id = store::account_of_temporary(tx, temporary_limit_id).await?.ok_or_else(missing)?;
                let before = require_account_in(tx, &account_id).await?;
                let mut account = before.clone();
                let limit =
                    account.temporary_limits.iter_mut().find(|limit| limit.temporary_limit_id == *temporary_limit_id);
                let limit = limit.ok_or_else(missing)?;
                if limit.revoked_on.is_some() {
                    return Err(Error::refused(Reason::WrongState, "the temporary limit is revoked already"));
                }
                limit.revoked_on = Some(call.today);
                store::revoke_temporary(tx, temporary_limit_id, call.today).await?;
                save_account_in(tx, call, &before, &mut account, "temporary_limit_revoked").await?;
                Ok(account)
            })
            .await
    }
}

fn may_grant(call: &Call, wish: &TemporaryWish, account: &CreditAccount) -> Result<(), Error> {
    let amount = wish.overlay.amount();
    if amount.currency() != account.currency {
        let message = format!("limits of account {} are in {}", account.account_id, account.currency);
        return Err(Error::refused(Reason::CurrencyMismatch, message));
    }
    if wish.requested_by == call.principal.subject {
        return Err(Error::refused(Reason::SelfApproval, "who asks for a temporary limit does not grant it"));
    }
    let authority = call.principal.authority_in(account.currency);
    if authority.minor() < amount.minor() {
        let message = format!("an authority of {authority} does not cover {amount}");
        return Err(Error::refused(Reason::AuthorityExceeded, message));
    }
    let period = Period { from: wish.from, to: Some(wish.to) };
    if let Some(other) = overlapping(&account.temporary_limits, period) {
        let message = format!("temporary limit {} shares days with it", other.temporary_limit_id);
        return Err(Error::refused(Reason::PeriodOverlap, message));
    }
    Ok(())
}
