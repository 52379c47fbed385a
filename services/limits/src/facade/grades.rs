//! Grades from assessment: what a new one changes at once, and what it asks for.

use weir_model::{Call, CorrelationId, LimitId, Money};
use weir_store::Tx;

use super::{Limits, Opening, accounts, append_request_in, grants, requests, require_policy_in, save_account_in};
use crate::{
    Error,
    account::CreditAccount,
    grade::{GradeRecord, NO_CREDIT_RULE, Reaction, reaction},
    limit::{Limit, Period, StandingLimit, Supersedes},
    policy::{OrderPolicy, PolicyRules},
    request::{Asked, Granted, Origin, StandingWish, State, Step, Wish},
    store, temporary, terms,
};

/// Why a grade cuts what was granted.
const NO_CREDIT: &str = "the grade gives no credit";

impl Limits {
    /// Lets a grade take effect, unless it is not newer than the one known. The first opens the account.
    pub(crate) async fn apply_grade_in(&self, tx: &mut Tx, call: &Call, record: &GradeRecord) -> Result<(), Error> {
        let mut account = match store::account_in(tx, &record.account_id).await? {
            Some(account) => account,
            None => open_for(tx, call, record).await?,
        };
        if account.grade.as_ref().is_some_and(|known| known.version >= record.version) {
            return Ok(());
        }
        let policy = require_policy_in(tx, call.today).await?;
        let before = account.clone();
        account.grade = Some(record.clone());
        account.country = record.country.or(account.country);
        account.policy_id = Some(policy.policy_id.clone());
        apply_rules(&mut account, &policy.rules);
        save_account_in(tx, call, &before, &mut account, "grade_changed").await?;
        let Some(row) = policy.rules.row(record.grade, account.currency) else {
            tracing::warn!(account_id = %account.account_id, currency = %account.currency, "no grade row: no credit");
            return Ok(());
        };
        let same_currency = record.recommended_limit.currency() == account.currency;
        let reaction = if same_currency || row.gives_no_credit() {
            reaction(record, row, account.outlook(call.today))?
        } else {
            Reaction::Keep
        };
        self.void_outdated_in(tx, call, record, reaction).await?;
        match reaction {
            Reaction::Keep => Ok(()),
            Reaction::Cut => self.cut_in(tx, call, &mut account).await,
            Reaction::Ask { limit, terms_days } => self.ask_in(tx, call, &mut account, (limit, terms_days)).await,
        }
    }

    /// Closes requests the new grade makes void: what earlier assessments asked for; under a cut also what was approved
    /// for later.
    async fn void_outdated_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        record: &GradeRecord,
        reaction: Reaction,
    ) -> Result<(), Error> {
        for request in store::open_requests_of(tx, &record.account_id).await? {
            let outdated = request.origin == Origin::Assessment && request.state != State::Approved;
            let cut = reaction == Reaction::Cut && request.state == State::Approved;
            if outdated || cut {
                let reason = format!("void by assessment {}", record.assessment_id);
                self.close_in(tx, call, &request, Step::Void, &reason).await?;
            }
        }
        Ok(())
    }

    /// Limit zero and prepay at once, over everything granted so far and for later.
    async fn cut_in(&self, tx: &mut Tx, call: &Call, account: &mut CreditAccount) -> Result<(), Error> {
        let zero = Money::zero(account.currency);
        let wish = system_wish(zero, terms::PREPAY, NO_CREDIT);
        let mut request = self.draft(call, &account.account_id, wish, Origin::Assessment);
        let before = account.clone();
        for limit in temporary::relevant_on(&account.temporary_limits, call.today) {
            self.revoke_in(tx, call, account, &limit.temporary_limit_id, NO_CREDIT).await?;
        }
        let limit_id: LimitId = self.env.ids.next();
        let limit = StandingLimit {
            limit_id: limit_id.clone(),
            limit_request_id: request.limit_request_id.clone(),
            limit: Limit::Amount(zero),
            period: Period { from: call.today, to: None },
            superseded_from: None,
        };
        grants::replace_in(tx, call, account, limit, Supersedes::Everything).await?;
        for step in [Step::Submit, Step::Approve, Step::Activate] {
            requests::take(&mut request, step)?;
        }
        request.submitted = Some(requests::act(call));
        request.policy_id = account.policy_id.clone();
        request.granted = Some(Granted {
            limit_id,
            terms_days: Some(terms::PREPAY),
            from: call.today,
            at: call.at,
            rule_id: Some(NO_CREDIT_RULE.to_owned()),
        });
        account.terms_days = terms::PREPAY;
        store::insert_request(tx, &request).await?;
        append_request_in(tx, call, None, &request).await?;
        save_account_in(tx, call, &before, account, "limit_cut").await
    }

    /// Asks for what the assessment recommends, in the system's name; a rule may approve it at once.
    async fn ask_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        account: &mut CreditAccount,
        (limit, terms_days): (Money, i64),
    ) -> Result<(), Error> {
        let assessment_id = account.grade.as_ref().map(|record| record.assessment_id.to_string()).unwrap_or_default();
        let wish = system_wish(limit, terms_days, &format!("recommended by assessment {assessment_id}"));
        let mut request = self.draft(call, &account.account_id, wish, Origin::Assessment);
        self.submit_in(tx, call, account, &mut request).await?;
        store::insert_request(tx, &request).await?;
        append_request_in(tx, call, None, &request).await
    }

    /// A call the system makes on its own, correlated by what it is about.
    pub(crate) fn internal_call(&self, job: &'static str, about: &str) -> Call {
        let correlation_id = CorrelationId::parse(about).unwrap_or_else(|_| self.env.ids.next::<CorrelationId>());
        Call::internal(job, correlation_id, self.env.clock.now(), self.env.clock.today())
    }
}

/// Order policy and terms as the rules have them for the account's grade. Terms only tighten.
pub(super) fn apply_rules(account: &mut CreditAccount, rules: &PolicyRules) {
    let Some(record) = &account.grade else { return };
    match rules.row(record.grade, account.currency) {
        Some(row) => {
            account.order_policy = Some(row.order_policy);
            account.terms_days = terms::tightened(account.terms_days, row);
        }
        None => account.order_policy = Some(OrderPolicy::NoCredit),
    }
}

async fn open_for(tx: &mut Tx, call: &Call, record: &GradeRecord) -> Result<CreditAccount, Error> {
    let opening = Opening {
        account_id: record.account_id.clone(),
        currency: record.recommended_limit.currency(),
        segment: String::new(),
        group_id: None,
        country: record.country,
    };
    accounts::open_in(tx, call, &opening).await
}

fn system_wish(limit: Money, terms_days: i64, justification: &str) -> Wish {
    let asked = StandingWish { limit: Limit::Amount(limit), terms_days, valid_to: None, daily_sales: None };
    Wish { asked: Asked::Standing(asked), valid_from: None, justification: justification.to_owned() }
}
