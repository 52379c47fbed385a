//! Accounts: opening, reading, freezing.

use chrono::NaiveDate;
use weir_model::{AccountId, Call, Country, Currency, GroupId, Reason};
use weir_store::{Done, Instant, Tx};

use super::{Limits, append_account_in, groups, require_account_in, save_account_in};
use crate::{
    Error,
    account::CreditAccount,
    freeze::Freeze,
    group::{MemberFlags, Membership},
    in_force::InForce,
    store::{self, AccountFilter, Reader},
    terms,
};

/// What a credit account is opened with.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    pub(crate) account_id: AccountId,
    pub(crate) currency: Currency,
    pub(crate) segment: String,
    pub(crate) group_id: Option<GroupId>,
    pub(crate) country: Option<Country>,
}

/// An account and its limit in force on a day.
#[derive(Debug, Clone)]
pub(crate) struct AccountView {
    pub(crate) account: CreditAccount,
    pub(crate) in_force: InForce,
}

impl Limits {
    /// Opens an account without a limit; the same opening again answers the account as it is.
    pub(crate) async fn open_account(&self, call: &Call, opening: &Opening) -> Result<Done<CreditAccount>, Error> {
        self.env.db.once(call, async |tx: &mut Tx| open_in(tx, call, opening).await).await
    }

    /// An account and its limit in force on a day.
    pub(crate) async fn account(&self, account_id: &AccountId, as_of: NaiveDate) -> Result<AccountView, Error> {
        let account = store::account(Reader::Db(&self.env.db), account_id).await?;
        let account = account.ok_or_else(|| Error::AccountUnknown(account_id.clone()))?;
        let in_force = account.in_force(as_of)?;
        Ok(AccountView { account, in_force })
    }

    /// Accounts after an id, by id.
    pub(crate) async fn accounts(
        &self,
        filter: &AccountFilter,
        after: Option<&AccountId>,
        limit: i64,
    ) -> Result<Vec<CreditAccount>, Error> {
        Ok(store::accounts(Reader::Db(&self.env.db), filter, after, limit).await?)
    }

    /// Freezes an account at once.
    pub(crate) async fn freeze(
        &self,
        call: &Call,
        account_id: &AccountId,
        reason: &str,
    ) -> Result<Done<CreditAccount>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let before = require_account_in(tx, account_id).await?;
                if let Some(freeze) = before.freeze() {
                    let message = format!("account {account_id} is frozen already, by {}", freeze.frozen_by);
                    return Err(Error::refused(Reason::WrongState, message));
                }
                let freeze = Freeze {
                    reason: reason.to_owned(),
                    frozen_by: call.principal.subject.clone(),
                    frozen_at: call.at,
                    frozen_on: call.today,
                    lifted_on: None,
                };
                store::insert_freeze(tx, account_id, &freeze).await?;
                let mut account = before.clone();
                account.freezes.push(freeze);
                save_account_in(tx, call, &before, &mut account, "account_frozen").await?;
                Ok(account)
            })
            .await
    }

    /// Lifts a freeze; never by who froze.
    pub(crate) async fn unfreeze(
        &self,
        call: &Call,
        account_id: &AccountId,
        reason: &str,
    ) -> Result<Done<CreditAccount>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let before = require_account_in(tx, account_id).await?;
                let mut account = before.clone();
                let Some(freeze) = account.freezes.iter_mut().find(|freeze| !freeze.is_lifted()) else {
                    return Err(Error::refused(Reason::WrongState, format!("account {account_id} is not frozen")));
                };
                let who = &call.principal.subject;
                if !freeze.may_be_lifted_by(who) {
                    let message = "who froze an account does not lift the freeze";
                    return Err(Error::refused(Reason::SelfApproval, message));
                }
                freeze.lifted_on = Some(call.today);
                store::close_freeze(tx, account_id, who, (Instant::from(call.at), call.today), reason).await?;
                save_account_in(tx, call, &before, &mut account, "account_unfrozen").await?;
                Ok(account)
            })
            .await
    }
}

/// Opens an account, or answers the one that is open with the same content.
pub(super) async fn open_in(tx: &mut Tx, call: &Call, opening: &Opening) -> Result<CreditAccount, Error> {
    if let Some(account) = store::account_in(tx, &opening.account_id).await? {
        return same_opening(account, opening);
    }
    let membership = opening
        .group_id
        .clone()
        .map(|group_id| Membership { group_id, flags: MemberFlags { shares_exposure: true, inherits_block: true } });
    let account = CreditAccount {
        account_id: opening.account_id.clone(),
        version: 1,
        currency: opening.currency,
        segment: opening.segment.clone(),
        country: opening.country,
        membership,
        grade: None,
        terms_days: terms::PREPAY,
        order_policy: None,
        policy_id: None,
        freezes: Vec::new(),
        limits: Vec::new(),
        temporary_limits: Vec::new(),
        insurances: Vec::new(),
        opened_at: call.at,
    };
    if let Some(group_id) = &opening.group_id {
        groups::require_group_in(tx, group_id).await?;
    }
    if !store::insert_account(tx, &account).await? {
        // somebody else opened it between our look and our insert
        let account = require_account_in(tx, &opening.account_id).await?;
        return same_opening(account, opening);
    }
    append_account_in(tx, call, None, &account, "credit_account_opened").await?;
    if let Some(group_id) = &opening.group_id {
        groups::count_change_in(tx, call, group_id, "group_member_added").await?;
    }
    Ok(account)
}

fn same_opening(account: CreditAccount, opening: &Opening) -> Result<CreditAccount, Error> {
    let group_id = account.membership.as_ref().map(|membership| &membership.group_id);
    let same = account.currency == opening.currency
        && account.segment == opening.segment
        && (opening.country.is_none() || account.country == opening.country)
        && (opening.group_id.is_none() || group_id == opening.group_id.as_ref());
    if same { Ok(account) } else { Err(Error::Exists { what: "credit account", id: opening.account_id.to_string() }) }
}
