//! Policies: creating, activating, reading, and putting a new one into effect.

use chrono::NaiveDate;
use weir_model::{AccountId, Call, PolicyId, Reason, SubjectId};
use weir_store::{Done, Env, Tx};

use super::{Limits, append_in, no_policy, require_policy_in, save_account_in};
use crate::{
    Error, default_policy,
    event::Event,
    facade::grades::apply_rules,
    policy::{Activation, Policy, PolicyRules, in_use_on},
    store::{self, Reader},
};

/// Most accounts brought under a new policy in one step.
const REFRESHED_MAX: i64 = 100;

impl Limits {
    /// Makes a version as a draft.
    pub(crate) async fn create_policy(&self, call: &Call, rules: &PolicyRules) -> Result<Done<Policy>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let policy = Policy {
                    policy_id: self.env.ids.next(),
                    rules: rules.clone(),
                    created_by: call.principal.subject.clone(),
                    created_at: call.at,
                    activation: None,
                };
                store::insert_policy(tx, &policy).await?;
                append_policy_in(tx, call, &policy, ("policy_created", 1)).await?;
                Ok(policy)
            })
            .await
    }

    /// Puts a version into use from a day.
    pub(crate) async fn activate_policy(
        &self,
        call: &Call,
        id: &PolicyId,
        effective_date: NaiveDate,
    ) -> Result<Done<Policy>, Error> {
        self.env
            .db
            .once(call, async |tx: &mut Tx| {
                let policy = store::policy(Reader::Tx(tx), id).await?;
                let mut policy = policy.ok_or_else(|| Error::not_found("policy", id))?;
                if policy.activation.is_some() {
                    return Err(Error::refused(Reason::WrongState, format!("policy {id} is active already")));
                }
                policy.activation = Some(Activation {
                    effective_date,
                    activated_by: call.principal.subject.clone(),
                    activated_at: call.at,
                });
                store::save_policy(tx, &policy).await?;
                append_policy_in(tx, call, &policy, ("policy_activated", 2)).await?;
                Ok(policy)
            })
            .await
    }

    /// A version.
    pub(crate) async fn policy(&self, id: &PolicyId) -> Result<Policy, Error> {
        let policy = store::policy(Reader::Db(&self.env.db), id).await?;
        policy.ok_or_else(|| Error::not_found("policy", id))
    }

    /// The version in use on a day.
    pub(crate) async fn policy_on(&self, date: NaiveDate) -> Result<Policy, Error> {
        let policies = store::policies(Reader::Db(&self.env.db)).await?;
        in_use_on(&policies, date).cloned().ok_or_else(|| no_policy(format!("no policy is in use on {date}")))
    }

    /// Versions after an id, by id.
    pub(crate) async fn policies(&self, after: Option<&PolicyId>, limit: i64) -> Result<Vec<Policy>, Error> {
        Ok(store::policies_page(Reader::Db(&self.env.db), after, limit).await?)
    }

    /// Brings accounts under the policy in use: order policy and, where it is stricter, terms. Limits stay.
    pub(super) async fn apply_new_policy(&self) -> Result<usize, Error> {
        let policy = self.policy_on(self.env.clock.today()).await?;
        let behind = store::with_old_policy(Reader::Db(&self.env.db), &policy.policy_id, REFRESHED_MAX).await?;
        for account_id in &behind {
            let call = self.internal_call("weir.limits/apply_policy", policy.policy_id.as_str());
            self.env.db.once(&call, async |tx: &mut Tx| refresh_in(tx, &call, account_id).await).await?;
        }
        Ok(behind.len())
    }
}

async fn refresh_in(tx: &mut Tx, call: &Call, account_id: &AccountId) -> Result<(), Error> {
    let Some(before) = store::account_in(tx, account_id).await? else { return Ok(()) };
    let policy = require_policy_in(tx, call.today).await?;
    // another replica was faster
    if before.policy_id.as_ref() == Some(&policy.policy_id) {
        return Ok(());
    }
    let mut account = before.clone();
    account.policy_id = Some(policy.policy_id);
    apply_rules(&mut account, &policy.rules);
    save_account_in(tx, call, &before, &mut account, "policy_applied").await
}

async fn append_policy_in(
    tx: &mut Tx,
    call: &Call,
    policy: &Policy,
    (kind, version): (&str, i64),
) -> Result<(), Error> {
    let event = Event::Policy(Box::new(policy.clone()));
    append_in(tx, call, (kind, policy.policy_id.as_str(), version), None, &event).await
}

/// Puts the shipped policy there, in use since ever, unless it is there already.
pub(super) async fn seed(env: &Env) -> Result<(), Error> {
    let by = SubjectId::parse("weir").map_err(|error| Error::DefaultPolicy(error.to_string()))?;
    let policy = Policy {
        policy_id: PolicyId::parse(default_policy::POLICY_ID)
            .map_err(|error| Error::DefaultPolicy(error.to_string()))?,
        rules: default_policy::rules().map_err(Error::DefaultPolicy)?,
        created_by: by.clone(),
        created_at: env.clock.now(),
        activation: Some(Activation {
            effective_date: NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or(NaiveDate::MIN),
            activated_by: by,
            activated_at: env.clock.now(),
        }),
    };
    env.db
        .transact(async |tx: &mut Tx| {
            store::insert_policy(tx, &policy).await?;
            Ok::<(), Error>(())
        })
        .await
}
