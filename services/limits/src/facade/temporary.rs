//! Temporary limits: taking them back. They are granted by requests, like any other limit.

use weir_model::{Call, LimitId, Reason};
use weir_store::{Done, Tx};

use super::{Limits, requests::act, require_account_in, save_account_in, save_request_in};
use crate::{
    Error,
    account::CreditAccount,
    request::{Closure, State, Step},
    store,
    temporary::Revocation,
};

impl Limits {
    /// Takes a temporary limit back from today; the request of one that has not begun ends with it.
    pub(crate) async fn revoke_temporary(
        &self,
        call: &Call,
        temporary_limit_id: &LimitId,
        reason: &str,
    ) -> Result<Done<CreditAccount>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let missing = || Error::not_found("temporary limit", temporary_limit_id);
                let account_id = store::account_of_temporary(tx, temporary_limit_id).await?.ok_or_else(missing)?;
                let before = require_account_in(tx, &account_id).await?;
                let mut account = before.clone();
                self.revoke_in(tx, call, &mut account, temporary_limit_id, reason).await?;
                save_account_in(tx, call, &before, &mut account, "temporary_limit_revoked").await?;
                Ok(account)
            })
            .await
    }

    /// Takes a temporary limit of an account back from today, and notes it on the request that granted it: one that has
    /// not begun is withdrawn. Saves the request, not the account.
    pub(super) async fn revoke_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        account: &mut CreditAccount,
        temporary_limit_id: &LimitId,
        reason: &str,
    ) -> Result<(), Error> {
        let missing = || Error::not_found("temporary limit", temporary_limit_id);
        let mut limits = account.temporary_limits.iter_mut();
        let limit = limits.find(|limit| limit.temporary_limit_id == *temporary_limit_id).ok_or_else(missing)?;
        if limit.revocation.is_some() {
            return Err(Error::refused(Reason::WrongState, "the temporary limit is revoked already"));
        }
        let revocation = Revocation { on: call.today, act: act(call), reason: reason.to_owned() };
        store::revoke_temporary(tx, temporary_limit_id, &revocation).await?;
        limit.revocation = Some(revocation);
        let request = store::lock_request(tx, &limit.limit_request_id).await?;
        let missing = || Error::not_found("limit request", &limit.limit_request_id);
        let before = request.ok_or_else(missing)?;
        match before.state {
            State::Approved => {
                self.close_in(tx, call, &before, Step::Void, reason).await?;
            }
            State::Active => {
                let mut request = before.clone();
                request.revoked = Some(Closure { act: act(call), reason: reason.to_owned() });
                save_request_in(tx, call, &before, &mut request).await?;
            }
            // withdrawn with the grade that cuts it
            State::Draft | State::Submitted | State::UnderReview | State::Rejected | State::Withdrawn => {}
        }
        Ok(())
    }
}
