//! What stops an account whatever it orders: a block, a forced hold, news too old; and what stops its credit.

use weir_model::days_past_due;

use super::{Case, Found};
use crate::decision::Measure;
use crate::policy::{Action, Rule, RuleRow};
use crate::standing::{Credit, Review};

impl Case<'_> {
    /// Rules that are asked of every order, also of one that needs no credit.
    pub(super) fn account(&self, found: &mut Vec<Found>) {
        let question = self.question;
        if let Some(reason) = question.conduct.and_then(|conduct| conduct.blocked.as_deref())
            && let Some(row) = self.row(Rule::AccountBlocked)
        {
            found.push(Found::plain(row, self.required, format!("the account is blocked: {reason}")));
        }
        for inherited in question.inherited {
            if let (Some(reason), Some(row)) = (inherited.blocked, self.row(Rule::AccountBlocked)) {
                let message = format!("the head of group {} is blocked: {reason}", inherited.group_id);
                let group_id = Some(inherited.group_id.clone());
                found.push(Found { group_id, ..Found::plain(row, self.required, message) });
            }
        }
        self.technical(found);
        let message = "a person lets each of these orders pass";
        match self.row(Rule::ForcedHold) {
            Some(row) => found.push(Found::plain(row, self.required, message)),
            None if question.was_forced => {
                let row = RuleRow::plain(Rule::ForcedHold, Action::Block);
                found.push(Found::plain(&row, self.required, message));
            }
            None => {}
        }
    }

    /// News too old to decide by (rule 5.9). Always noted; what the order asks for may be small enough to let it go.
    fn technical(&self, found: &mut Vec<Found>) {
        let Some(row) = self.row(Rule::Technical) else { return };
        let Some((feed, age_ms, bound_ms)) = row.stale_after.exceeded(self.question.ages) else { return };
        let small = |amount| row.comparator.passes(self.required, amount);
        let passes = row.amount(self.question.currency).is_some_and(small);
        found.push(Found {
            action: if passes && row.action.stops() { Action::Warn } else { row.action },
            value: Some(Measure::Milliseconds(age_ms)),
            threshold: Some(Measure::Milliseconds(bound_ms)),
            ..Found::plain(row, self.required, format!("what the gate knows of {feed} is too old"))
        });
    }

    /// An account that never had cover is not judged by it.
    fn insurance(&self, credit: &Credit, found: &mut Vec<Found>) {
        let today = self.question.today;
        let (Some(row), Some(last)) = (self.row(Rule::InsuranceLapsed), credit.insured_until(today)) else { return };
        let left = i32::try_from(-days_past_due(last, today)).unwrap_or(i32::MAX);
        let least = row.days.unwrap_or(0);
        if !row.comparator.passes(least, left) {
            let ends = if left < 0 { "ended" } else { "ends" };
            found.push(Found {
                value: Some(Measure::Days(left)),
                threshold: Some(Measure::Days(least)),
                ..Found::plain(row, self.required, format!("the account's credit insurance {ends} on {last}"))
            });
        }
    }

    /// Rules about the account's credit as such.
    pub(super) fn credit(&self, found: &mut Vec<Found>) {
        let credit = self.question.credit;
        for inherited in self.question.inherited {
            if let (Some(reason), Some(row)) = (inherited.frozen, self.row(Rule::AccountFrozen)) {
                let message = format!("the head of group {} is frozen: {reason}", inherited.group_id);
                let group_id = Some(inherited.group_id.clone());
                found.push(Found { group_id, ..Found::plain(row, self.required, message) });
            }
        }
        if credit.is_none_or(|credit| credit.grade.is_none())
            && let Some(row) = self.row(Rule::NotAssessed)
        {
            found.push(Found::plain(row, self.required, "the account has no approved assessment"));
        }
        let Some(credit) = credit else { return };
        if let Some(reason) = &credit.frozen
            && let Some(row) = self.row(Rule::AccountFrozen)
        {
            found.push(Found::plain(row, self.required, format!("the account is frozen: {reason}")));
        }
        if let (Some(row), Some(by)) = (self.row(Rule::ReviewOverdue), credit.review_date) {
            let late = i32::try_from(days_past_due(by, self.question.today)).unwrap_or(i32::MAX);
            let most = row.days.unwrap_or(0);
            if late > 0 && !row.comparator.passes(late, most) {
                found.push(Found {
                    value: Some(Measure::Days(late)),
                    threshold: Some(Measure::Days(most)),
                    ..Found::plain(row, self.required, format!("the account was to be assessed again by {by}"))
                });
            }
        }
        self.insurance(credit, found);
        let row = match credit.review {
            Some(Review::NoCredit) => self.row(Rule::NoCreditGrade),
            Some(_) => self.row(Rule::GradeReview),
            None => None,
        };
        let Some(row) = row else { return };
        match credit.review {
            Some(Review::NoCredit) => {
                found.push(Found::plain(row, self.required, "the account's grade gives no credit"));
            }
            Some(Review::EveryOrder) => {
                let message = "a person reviews every order of the account's grade";
                found.push(Found::plain(row, self.required, message));
            }
            Some(Review::Above(above)) if !row.comparator.passes(self.value, above) => {
                let message = "a person reviews orders of this value of the account's grade";
                found.push(Found::amounts(row, self.value, above, message));
            }
            Some(Review::Above(_)) | None => {}
        }
    }
}
