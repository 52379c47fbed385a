//! Temporary limits: taking them back. They are granted by requests, like any other limit.

use weir_model::{Call, LimitId, Reason};
use weir_store::{Done, Tx};

use super::{Limits, require_account_in, save_account_in};
use crate::{
    Error,
    account::CreditAccount,
    request::{State, Step},
    store,
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
                let limit =
                    account.temporary_limits.iter_mut().find(|limit| limit.temporary_limit_id == *temporary_limit_id);
                let limit = limit.ok_or_else(missing)?;
                if limit.revoked_on.is_some() {
                    return Err(Error::refused(Reason::WrongState, "the temporary limit is revoked already"));
                }
                limit.revoked_on = Some(call.today);
                let limit_request_id = limit.limit_request_id.clone();
                store::revoke_temporary(tx, temporary_limit_id, call.today).await?;
                save_account_in(tx, call, &before, &mut account, "temporary_limit_revoked").await?;
                if let Some(id) = limit_request_id
                    && let Some(request) = store::lock_request(tx, &id).await?
                    && request.state == State::Approved
                {
                    self.close_in(tx, call, &request, Step::Void, reason).await?;
                }
                Ok(account)
            })
            .await
    }
}
