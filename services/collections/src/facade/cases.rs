//! Cases as they stand on a date.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use weir_model::{AccountId, CaseId, ItemId, Money};

use super::Collections;
use crate::{
    Error,
    case::{CaseState, Course},
    dunning,
    item::Item,
    policy::Policy,
    record::CaseRecord,
    store::{
        Page, accounts,
        cases::{self, CaseFilter},
        dossiers, opt_outs, promises, strategies,
    },
    strategy::Strategy,
    suppression::{Consent, Grounds, Suppression, suppressions},
};

/// A case as it stands on a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseView {
    /// As stored, with its course of that date.
    pub case: CaseRecord,
    /// Name of its stage; empty for none.
    pub stage_name: String,
    /// Days past due of its oldest item that is not left alone; 0 for none.
    pub days_past_due: i64,
    /// What is open.
    pub open: Money,
    /// The overdue part of it.
    pub overdue: Money,
    /// Its open items and why each is left alone.
    pub items: Vec<(Item, Option<Suppression>)>,
    /// Number of the last stage each of them was dunned at, on the ladder it follows; 0 for none.
    pub stages_reached: Vec<i64>,
    /// The date.
    pub as_of: NaiveDate,
}

impl CaseView {
    /// A case seen on a date, given the debt behind it.
    pub(super) fn of(
        case: CaseRecord,
        (strategy_id, strategy): &(weir_model::StrategyId, Strategy),
        debt: Debt,
        as_of: NaiveDate,
    ) -> Result<Self, Error> {
        let Debt { items, promised, consent, credit } = debt;
        let zero = Money::zero(case.currency);
        let mut view = CaseView {
            stage_name: String::new(),
            days_past_due: 0,
            open: zero,
            overdue: zero,
            items: Vec::with_capacity(items.len()),
            stages_reached: Vec::with_capacity(items.len()),
            case,
            as_of,
        };
        if view.case.state == CaseState::Closed {
            return Ok(view);
        }
        let grounds = Grounds {
            as_of,
            promised: promised.iter().collect(),
            tolerance: strategy.tolerance(view.case.currency),
            consent,
            credit: credit.unwrap_or(zero),
        };
        let suppressed = suppressions(&items, &grounds)?;
        for (item, suppressed) in items.into_iter().zip(suppressed) {
            view.open = view.open.checked_add(item.open)?;
            if item.days_past_due(as_of) > 0 {
                view.overdue = view.overdue.checked_add(item.open)?;
            }
            let reached = item.reached_day.and_then(|day| strategy.stage_of(day));
            view.stages_reached.push(reached.map_or(0, |stage| stage.number));
            view.items.push((item, suppressed));
        }
        let active: Vec<&Item> = view.with(Option::is_none);
        let frozen = || view.with(|suppressed| suppressed.is_some_and(Suppression::freezes));
        let of = if active.is_empty() { frozen() } else { active };
        let course = Course::of(strategy_id, strategy, of.iter().copied(), as_of);
        view.days_past_due = dunning::oldest(of, as_of).map_or(0, |item| item.days_past_due(as_of));
        view.case.course = course;
        let stage = strategy.stage(view.case.course.stage);
        view.stage_name = stage.map_or_else(String::new, |stage| stage.name.clone());
        Ok(view)
    }

    /// The items left alone for some reasons, or for none.
    fn with(&self, wanted: impl Fn(&Option<Suppression>) -> bool) -> Vec<&Item> {
        self.items.iter().filter(|(_, suppressed)| wanted(suppressed)).map(|(item, _)| item).collect()
    }
}

/// The debt behind a case, as far as its view needs it.
#[derive(Debug, Clone)]
pub(super) struct Debt {
    /// Its open items.
    pub(super) items: Vec<Item>,
    /// Those with an open promise.
    pub(super) promised: BTreeSet<ItemId>,
    /// Whether the debtor may be contacted.
    pub(super) consent: Consent,
    /// Credit that is not allocated yet; none where nothing was told of any.
    pub(super) credit: Option<Money>,
}

/// Whether an account may be contacted, by those that may not.
pub(super) fn consent(opted_out: &BTreeSet<AccountId>, account_id: &AccountId) -> Consent {
    if opted_out.contains(account_id) { Consent::Withdrawn } else { Consent::Given }
}

impl Collections {
    /// One case with its open items.
    pub async fn get_case(&self, id: &CaseId, as_of: Option<NaiveDate>) -> Result<CaseView, Error> {
        let case = cases::get(&self.env.db, id).await?;
        let case = case.ok_or_else(|| Error::NotFound { what: "case", id: id.to_string() })?;
        let as_of = self.as_of(as_of).await?;
        let policy = strategies::policy(&self.env.db).await?;
        self.view(case, &policy, as_of).await
    }

    /// Cases by id.
    pub async fn list_cases(
        &self,
        filter: &CaseFilter,
        as_of: Option<NaiveDate>,
        page: &Page<CaseId>,
    ) -> Result<Vec<CaseView>, Error> {
        let as_of = self.as_of(as_of).await?;
        let policy = strategies::policy(&self.env.db).await?;
        let mut views = Vec::new();
        for case in cases::list(&self.env.db, filter, page).await? {
            views.push(self.view(case, &policy, as_of).await?);
        }
        Ok(views)
    }

    async fn view(&self, case: CaseRecord, policy: &Policy, as_of: NaiveDate) -> Result<CaseView, Error> {
        let (db, account_id, currency) = (&self.env.db, case.account_id.clone(), case.currency);
        let grade = accounts::grade(db, &account_id).await?;
        let items = dossiers::open_items(db, &account_id, &account_id).await?;
        let of_case = items.into_iter().map(|(_, item)| item).filter(|item| item.amount.currency() == currency);
        let promised = promises::open(db, &account_id, &account_id).await?;
        let debts = dossiers::debts(db, &account_id, &account_id).await?;
        let debt = Debt {
            items: of_case.collect(),
            promised: promised.into_iter().map(|record| record.promise.item_id).collect(),
            consent: consent(&opt_outs::of(db, &account_id, &account_id).await?, &account_id),
            credit: debts.into_iter().map(|debt| debt.credit).find(|credit| credit.currency() == currency),
        };
        CaseView::of(case, policy.of(grade), debt, as_of)
    }
}
