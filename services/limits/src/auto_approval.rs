//! Approval by rule: what needs no person, and on which terms.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::Money;

use crate::{limit::Limit, policy::PolicyRules, request::Candidate};

/// Approves a request without a person when the score reaches `score_min` and the amount does not exceed `amount_max`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AutoApprovalRule {
    pub(crate) rule_id: String,
    pub(crate) score_min: Decimal,
    pub(crate) amount_max: Money,
    /// The terms it grants, in days from the invoice date.
    pub(crate) terms_days: i64,
}

/// The first rule that approves a request.
///
/// None for a raise beyond what may be raised at once without a person.
/// None for a frozen account, and none when the grade is worse than the score alone would give: somebody or something
/// has judged the account below its score, so a person has to look.
pub(crate) fn approving<'a>(rules: &'a PolicyRules, candidate: &Candidate<'_>) -> Option<&'a AutoApprovalRule> {
    let Limit::Amount(amount) = candidate.limit else { return None };
    let record = candidate.record;
    let by_score = rules.grade_of_score(record.score, amount.currency())?;
    if candidate.frozen || record.grade > by_score {
        return None;
    }
    if rules.automatic_raise_max(candidate.standing).is_some_and(|most| amount.minor() > most.minor()) {
        return None;
    }
    rules
        .auto_approval_rules
        .iter()
        .filter(|rule| rule.amount_max.currency() == amount.currency())
        .find(|rule| record.score >= rule.score_min && amount.minor() <= rule.amount_max.minor())
}
