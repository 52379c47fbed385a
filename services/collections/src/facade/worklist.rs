//! The worklist: every open case ranked, the most valuable first within each currency.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, CaseId, Currency, ItemId, Money, SubjectId};

use super::{
    CaseView, Collections,
    cases::{Debt, consent},
};
use crate::{
    Error,
    case::CaseState,
    debtor::Debtor,
    item::Item,
    store::{
        Page, accounts,
        cases::{self, CaseFilter},
        dossiers, opt_outs, promises, strategies, tasks,
    },
    strategy::Owner,
    worklist::{DueTask, Matter, Rank, rank},
};

/// Cases read at once.
const CASES_AT_ONCE: i64 = 1_000;

/// Which cases to rank.
#[derive(Debug, Clone, Default)]
pub struct WorklistFilter {
    /// Only what this department works now.
    pub owner: Option<Owner>,
    /// Only accounts of this salesperson.
    pub salesperson: Option<SubjectId>,
    /// Only this currency.
    pub currency: Option<Currency>,
}

/// Where a worklist goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Currency of the last line.
    pub currency: Currency,
    /// Its priority.
    pub priority: Decimal,
    /// Its case.
    pub case_id: CaseId,
}

/// One line of a worklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The case.
    pub view: CaseView,
    /// The debtor's name; the account when unknown.
    pub debtor_name: String,
    /// How much it deserves attention.
    pub rank: Rank,
}

impl Line {
    /// Its place.
    pub fn key(&self) -> Key {
        let case = &self.view.case;
        Key { currency: case.currency, priority: self.rank.priority, case_id: case.case_id.clone() }
    }
}

impl Key {
    fn before(&self, other: &Key) -> bool {
        (self.currency, other.priority, &self.case_id) < (other.currency, self.priority, &other.case_id)
    }
}

impl Collections {
    /// What to work on: by currency, then by priority.
    pub async fn get_worklist(
        &self,
        filter: &WorklistFilter,
        as_of: Option<NaiveDate>,
        page: &Page<Key>,
    ) -> Result<Vec<Line>, Error> {
        let as_of = self.as_of(as_of).await?;
        let mut lines = self.lines(filter, as_of).await?;
        lines.sort_by(|a, b| {
            let (a, b) = (a.key(), b.key());
            (a.currency, b.priority, &a.case_id).cmp(&(b.currency, a.priority, &b.case_id))
        });
        let rest = lines.into_iter().filter(|line| page.after.as_ref().is_none_or(|after| after.before(&line.key())));
        Ok(rest.take(usize::try_from(page.size).unwrap_or(usize::MAX)).collect())
    }

    async fn lines(&self, filter: &WorklistFilter, as_of: NaiveDate) -> Result<Vec<Line>, Error> {
        let policy = strategies::policy(&self.env.db).await?;
        let mut lines = Vec::new();
        let open = CaseFilter { state: Some(CaseState::Open), currency: filter.currency, ..CaseFilter::default() };
        let mut page = Page { after: None, size: CASES_AT_ONCE };
        loop {
            let read = cases::list(&self.env.db, &open, &page).await?;
            let Some(last) = read.last() else { return Ok(lines) };
            page.after = Some(last.case_id.clone());
            let accounts = read.iter().map(|case| &case.account_id);
            let (Some(first), Some(last)) = (accounts.clone().min(), accounts.max()) else { return Ok(lines) };
            let mut desk = Facts::read(&self.env.db, first, last).await?;
            for case in read {
                let debtor = desk.debtors.get(&case.account_id);
                let salesperson = debtor.and_then(|debtor| debtor.salesperson.as_ref());
                if filter.salesperson.as_ref().is_some_and(|wanted| salesperson != Some(wanted)) {
                    continue;
                }
                let debtor_name = debtor.map_or_else(|| case.account_id.to_string(), |debtor| debtor.name.clone());
                let (account_id, currency) = (case.account_id.clone(), case.currency);
                let key = (account_id.clone(), currency);
                let strategy = policy.of(desk.grades.get(&account_id).copied());
                let debt = Debt {
                    items: desk.items.remove(&key).unwrap_or_default(),
                    promised: desk.promised.get(&account_id).cloned().unwrap_or_default(),
                    consent: consent(&desk.opted_out, &account_id),
                    credit: desk.credits.get(&key).copied(),
                };
                let tasks = desk.tasks.remove(&case.case_id).unwrap_or_default();
                let view = CaseView::of(case, strategy, debt, as_of)?;
                if filter.owner.is_some_and(|owner| view.case.course.owner != owner) {
                    continue;
                }
                let items = view.items.iter().map(|(item, suppressed)| (item, *suppressed)).collect();
                let broken_promises = desk.unkept.get(&key).copied().unwrap_or(0);
                let matter = Matter { zero: Money::zero(currency), items, tasks, broken_promises };
                let rank = rank(&matter, &strategy.1, as_of)?;
                lines.push(Line { view, debtor_name, rank });
            }
        }
    }
}

/// Everything the ranks of a range of accounts depend on.
#[derive(Default)]
struct Facts {
    debtors: BTreeMap<AccountId, Debtor>,
    grades: BTreeMap<AccountId, crate::strategy::Grade>,
    items: BTreeMap<(AccountId, Currency), Vec<Item>>,
    promised: BTreeMap<AccountId, BTreeSet<ItemId>>,
    tasks: BTreeMap<CaseId, Vec<DueTask>>,
    unkept: BTreeMap<(AccountId, Currency), i64>,
    opted_out: BTreeSet<AccountId>,
    credits: BTreeMap<(AccountId, Currency), Money>,
}

impl Facts {
    async fn read(db: &weir_store::Db, first: &AccountId, last: &AccountId) -> Result<Self, Error> {
        let mut facts = Facts::default();
        for debtor in accounts::debtors(db, first, last).await? {
            facts.debtors.insert(debtor.account_id.clone(), debtor);
        }
        facts.grades = accounts::grades(db, first, last).await?.into_iter().collect();
        for (account_id, item) in dossiers::open_items(db, first, last).await? {
            facts.items.entry((account_id, item.amount.currency())).or_default().push(item);
        }
        for record in promises::open(db, first, last).await? {
            facts.promised.entry(record.account_id).or_default().insert(record.promise.item_id);
        }
        for (case_id, task) in tasks::due(db, first, last).await? {
            facts.tasks.entry(case_id).or_default().push(task);
        }
        for (account_id, currency, count) in promises::unkept(db, first, last).await? {
            facts.unkept.insert((account_id, currency), count);
        }
        facts.opted_out = opt_outs::of(db, first, last).await?;
        for debt in dossiers::debts(db, first, last).await? {
            facts.credits.insert((debt.account_id, debt.credit.currency()), debt.credit);
        }
        Ok(facts)
    }
}
