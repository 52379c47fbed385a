//! Credit insurance of accounts: set, and ended early.

use weir_model::{AccountId, Call, InsuranceId, Reason};
use weir_store::{Done, Tx};

use super::{Limits, requests::act, require_account_in, save_account_in};
use crate::{
    Error,
    account::CreditAccount,
    insurance::{Cover, End, Insurance, overlapping},
    store,
};

impl Limits {
    /// Adds cover to an account.
    pub(crate) async fn set_insurance(
        &self,
        call: &Call,
        account_id: &AccountId,
        cover: &Cover,
    ) -> Result<Done<CreditAccount>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let before = require_account_in(tx, account_id).await?;
                if let Some(other) = overlapping(&before.insurances, cover) {
                    let message = format!("insurance {} covers some of these days already", other.insurance_id);
                    return Err(Error::refused(Reason::PeriodOverlap, message));
                }
                let insurance = Insurance {
                    insurance_id: self.env.ids.next(),
                    cover: cover.clone(),
                    set_by: call.principal.subject.clone(),
                    set_at: call.at,
                    end: None,
                };
                store::insert_insurance(tx, account_id, &insurance).await?;
                let mut account = before.clone();
                account.insurances.push(insurance);
                save_account_in(tx, call, &before, &mut account, "insurance_set").await?;
                Ok(account)
            })
            .await
    }

    /// Ends cover of an account: from today it no longer counts.
    pub(crate) async fn end_insurance(
        &self,
        call: &Call,
        (account_id, insurance_id): (&AccountId, &InsuranceId),
        reason: &str,
    ) -> Result<Done<CreditAccount>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let before = require_account_in(tx, account_id).await?;
                let mut account = before.clone();
                let mut insurances = account.insurances.iter_mut();
                let known = insurances.find(|insurance| insurance.insurance_id == *insurance_id);
                let insurance = known.ok_or_else(|| Error::not_found("insurance", insurance_id))?;
                if insurance.is_over_on(call.today) {
                    return Err(Error::refused(Reason::WrongState, "the insurance has ended already"));
                }
                let end = End { on: call.today, act: act(call), reason: reason.to_owned() };
                store::end_insurance(tx, insurance_id, &end).await?;
                insurance.end = Some(end);
                save_account_in(tx, call, &before, &mut account, "insurance_ended").await?;
                Ok(account)
            })
            .await
    }
}
