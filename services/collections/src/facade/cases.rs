//! Cases as they stand on a date.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use weir_model::{CaseId, ItemId, Money};

use super::Collections;
use crate::{
    Error,
    case::{CaseState, Course},
    item::Item,
    policy::Policy,
    record::CaseRecord,
    store::{
        Page, accounts,
        cases::{self, CaseFilter},
        dossiers, promises, strategies,
    },
    strategy::Strategy,
    suppression::{Suppression, Word, suppression},
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
    /// A case seen on a date, given the open items of its debt and those with an open promise.
    pub(super) fn of(
        case: CaseRecord,
        (strategy_id, strategy): &(weir_model::StrategyId, Strategy),
        items: Vec<Item>,
        promised: &BTreeSet<ItemId>,
        as_of: NaiveDate,
    ) -> Result<Self, Error> {
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
        let tolerance = strategy.tolerance(view.case.currency);
        for item in items {
            let word = if promised.contains(&item.item_id) { Word::Given } else { Word::None };
            let suppressed = suppression(&item, word, tolerance)?;
            view.open = view.open.checked_add(item.open)?;
            if item.days_past_due(as_of) > 0 {
                view.overdue = view.overdue.checked_add(item.open)?;
            }
            let reached = item.reached_day.and_then(|day| strategy.stage_of(day));
            view.stages_reached.push(reached.map_or(0, |stage| stage.number));
            view.items.push((item, suppressed));
        }
        let active = || view.items.iter().filter(|(_, suppressed)| suppressed.is_none()).map(|(item, _)| item);
        view.case.course = Course::of(strategy_id, strategy, active(), as_of);
        view.days_past_due = crate::dunning::oldest(active()).map_or(0, |item| item.days_past_due(as_of));
        let stage = strategy.stage(view.case.course.stage);
        view.stage_name = stage.map_or_else(String::new, |stage| stage.name.clone());
        Ok(view)
    }
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
        let promised = promised.into_iter().map(|record| record.promise.item_id).collect();
        CaseView::of(case, policy.of(grade), of_case.collect(), &promised, as_of)
    }
}
