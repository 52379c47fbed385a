//! Questions: aging, items, positions, figures; as of any date, as known at any instant. Nothing here changes anything.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use weir_model::{AccountId, Currency, ItemId, Money, PaymentId, add_days, days_past_due};

use crate::{
    Receivables,
    aging::{Aging, Buckets},
    allocation::Allocation,
    behaviour::first_of_month,
    document::Line,
    error::Error,
    figures::{self, Basis},
    item::{Attributes, Item},
    ledger::DisputeFact,
    payment::Payment,
    position::{ITEMS_MAX, LINES_MAX, Position},
    refusal::Refusal,
    store::{
        self,
        as_of::{AsOf, ItemFilter},
        run::{AlertFilter, FiredAlert},
    },
};

/// Months of sales looked back on for count-back days sales outstanding.
const COUNTBACK_MONTHS: u32 = 24;

/// Which date of an item its age is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgingBasis {
    DueDate,
    DocumentDate,
}

/// What a row of an aging stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupBy {
    Account,
    Salesperson,
    Region,
    Industry,
}

impl GroupBy {
    fn of<'i>(self, account_id: &'i AccountId, attributes: &'i Attributes) -> &'i str {
        match self {
            GroupBy::Account => account_id.as_str(),
            GroupBy::Salesperson => &attributes.salesperson,
            GroupBy::Region => &attributes.region,
            GroupBy::Industry => &attributes.industry,
        }
    }
}

/// An aging asked for.
#[derive(Debug, Clone)]
pub(crate) struct AgingOrder {
    pub as_of: AsOf,
    pub basis: AgingBasis,
    pub buckets: Buckets,
    pub group_by: GroupBy,
    pub account_id: Option<AccountId>,
    pub currency: Option<Currency>,
}

/// An item with everything that happened to it.
#[derive(Debug, Clone)]
pub(crate) struct ItemStory {
    pub item: Item,
    pub lines: Vec<Line>,
    pub allocations: Vec<Allocation>,
    pub disputes: Vec<DisputeFact>,
    pub alerts: Vec<FiredAlert>,
    /// Why its document was cancelled.
    pub cancellation_reason: Option<String>,
}

/// A payment with everything that happened to it.
#[derive(Debug, Clone)]
pub(crate) struct PaymentStory {
    pub payment: Payment,
    pub allocations: Vec<Allocation>,
    pub reversal_reason: Option<String>,
}

/// The figures of one currency.
#[derive(Debug, Clone)]
pub(crate) struct CurrencyFigures {
    pub basis: Basis,
    pub overdue: Money,
    pub countback_dso: Option<Decimal>,
    pub window_start: NaiveDate,
}

impl Receivables {
    /// What is owed by age. Buckets and credit of each row sum to what is outstanding, to the minor unit.
    pub(crate) async fn aging(&self, order: AgingOrder) -> Result<Aging, Error> {
        let AgingOrder { as_of, basis, group_by, account_id, currency, .. } = &order;
        let filter = ItemFilter {
            account_id: account_id.clone(),
            currency: *currency,
            include_credit: true,
            ..ItemFilter::default()
        };
        let mut aging = Aging::new(order.buckets.clone());
        for item in store::as_of::items(&self.env.db, &filter, *as_of).await? {
            let group = group_by.of(&item.account_id, &item.attributes);
            if item.is_credit() {
                aging.add_unapplied(group, item.open)?;
                continue;
            }
            let from = match basis {
                AgingBasis::DueDate => item.due_date,
                AgingBasis::DocumentDate => item.document_date,
            };
            aging.add_item(group, days_past_due(from, as_of.date), item.open, item.disputed())?;
        }
        let none = Attributes::default();
        for credit in store::as_of::credits(&self.env.db, account_id.as_ref(), *currency, *as_of).await? {
            let group = group_by.of(&credit.account_id, &none);
            if credit.future_dated {
                aging.add_future_dated(group, credit.unapplied)?;
            } else {
                aging.add_unapplied(group, credit.unapplied)?;
            }
        }
        Ok(aging)
    }

    /// Items as they stood, by due date and id.
    pub(crate) async fn items(&self, filter: &ItemFilter, as_of: AsOf) -> Result<Vec<Item>, Error> {
        Ok(store::as_of::items(&self.env.db, filter, as_of).await?)
    }

    /// One item with everything that happened to it.
    pub(crate) async fn item(&self, id: &ItemId) -> Result<ItemStory, Error> {
        let db = &self.env.db;
        let missing = || Refusal::not_found("item", id);
        let item = store::story::item(db, id).await?.ok_or_else(missing)?;
        let document = store::story::document_of(db, &item.document_number).await?;
        let filter = AlertFilter { item_id: Some(id.clone()), ..AlertFilter::default() };
        Ok(ItemStory {
            lines: document.lines,
            allocations: store::story::allocations_of_item(db, id).await?,
            disputes: store::story::disputes_of(db, id).await?,
            alerts: store::run::fired(db, &filter).await?,
            cancellation_reason: store::story::why_cancelled(db, &item.document_number).await?,
            item,
        })
    }

    /// One payment with its allocations, and why it was taken back.
    pub(crate) async fn payment(&self, id: &PaymentId) -> Result<PaymentStory, Error> {
        let db = &self.env.db;
        let missing = || Refusal::not_found("payment", id);
        Ok(PaymentStory {
            payment: store::story::payment(db, id).await?.ok_or_else(missing)?,
            allocations: store::story::allocations_of_payment(db, id).await?,
            reversal_reason: store::story::why_reversed(db, id).await?,
        })
    }

    /// What an account owes now, a position a currency, without items and order lines.
    pub(crate) async fn positions_of(&self, account_id: &AccountId) -> Result<Vec<Position>, Error> {
        let mut positions = Vec::new();
        let db = &self.env.db;
        for currency in store::position::currencies_of(db, account_id).await? {
            positions.extend(store::position::position(db, account_id, currency).await?);
        }
        Ok(positions)
    }

    /// The first part of a position as it is told to somebody who knows nothing of it; none where there is none.
    pub(crate) async fn first_part(
        &self,
        account_id: &AccountId,
        currency: Currency,
    ) -> Result<Option<Position>, Error> {
        let db = &self.env.db;
        let Some(mut position) = store::position::position(db, account_id, currency).await? else { return Ok(None) };
        position.items = store::position::items_after(db, account_id, currency, "", ITEMS_MAX).await?;
        position.order_lines =
            store::position::order_lines_after(db, account_id, currency, ("", ""), LINES_MAX).await?;
        Ok(Some(position))
    }

    /// The part that comes after one; none after the last.
    pub(crate) async fn next_part(&self, part: Position) -> Result<Option<Position>, Error> {
        let (db, account_id, currency) = (&self.env.db, &part.account_id, part.currency);
        // a list that did not fill its part is told whole
        let items = match part.items.get(ITEMS_MAX - 1) {
            Some(last) => store::position::items_after(db, account_id, currency, last.id.as_str(), ITEMS_MAX).await?,
            None => Vec::new(),
        };
        let order_lines = match part.order_lines.get(LINES_MAX - 1) {
            Some(last) => {
                let after = (last.order_id.as_str(), last.line_id.as_str());
                store::position::order_lines_after(db, account_id, currency, after, LINES_MAX).await?
            }
            None => Vec::new(),
        };
        let is_over = items.is_empty() && order_lines.is_empty();
        let next = Position { items, order_lines, behaviour: None, continues: true, ..part };
        Ok((!is_over).then_some(next))
    }

    /// The next positions there are after one, by account and currency.
    pub(crate) async fn positions_after(
        &self,
        after: (&str, &str),
        limit: i64,
    ) -> Result<Vec<(AccountId, Currency)>, Error> {
        Ok(store::position::positions_after(&self.env.db, after, limit).await?)
    }

    /// Alerts that fired, latest date first.
    pub(crate) async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<FiredAlert>, Error> {
        Ok(store::run::fired(&self.env.db, filter).await?)
    }

    /// Figures of collection over a window that ends on a date.
    pub(crate) async fn figures(
        &self,
        account_id: Option<&AccountId>,
        currency: Option<Currency>,
        as_of: NaiveDate,
        days: i64,
    ) -> Result<BTreeMap<Currency, CurrencyFigures>, Error> {
        let window_start = add_days(as_of, 1 - days).unwrap_or(NaiveDate::MIN);
        let day_before = add_days(as_of, -days).unwrap_or(NaiveDate::MIN);
        let months = last_months(as_of);
        let first = months.last().map_or(window_start, |(month, _)| window_start.min(*month));
        let end = self.open_at(account_id, currency, as_of).await?;
        let begin = self.open_at(account_id, currency, day_before).await?;
        let sales = store::as_of::sales(&self.env.db, account_id, currency, (first, as_of)).await?;
        let mut by_month: BTreeMap<(Currency, NaiveDate), Money> = BTreeMap::new();
        let mut in_window: BTreeMap<Currency, Money> = BTreeMap::new();
        for on in sales {
            let currency = on.amount.currency();
            let month = by_month.entry((currency, first_of_month(on.date))).or_insert(Money::zero(currency));
            *month = month.checked_add(on.amount)?;
            if on.date >= window_start {
                let total = in_window.entry(currency).or_insert(Money::zero(currency));
                *total = total.checked_add(on.amount)?;
            }
        }
        let currencies = end.keys().chain(begin.keys()).chain(in_window.keys()).copied();
        let mut all = BTreeMap::new();
        for currency in currencies {
            let zero = Money::zero(currency);
            let at = |open: &BTreeMap<Currency, Open>| open.get(&currency).copied().unwrap_or(Open::none(currency));
            let (end, begin) = (at(&end), at(&begin));
            let basis = Basis {
                begin: begin.all,
                end: end.all,
                end_current: end.all.checked_sub(end.overdue)?,
                sales: in_window.get(&currency).copied().unwrap_or(zero),
                days,
            };
            let sold = |month| by_month.get(&(currency, month)).copied().unwrap_or(zero);
            let months: Vec<(Money, i64)> = months.iter().map(|(month, days)| (sold(*month), *days)).collect();
            let countback_dso = figures::countback_dso(end.all, &months);
            all.insert(currency, CurrencyFigures { basis, overdue: end.overdue, countback_dso, window_start });
        }
        Ok(all)
    }

    async fn open_at(
        &self,
        account_id: Option<&AccountId>,
        currency: Option<Currency>,
        date: NaiveDate,
    ) -> Result<BTreeMap<Currency, Open>, Error> {
        let filter = ItemFilter { account_id: account_id.cloned(), currency, ..ItemFilter::default() };
        let mut open = BTreeMap::new();
        for item in store::as_of::items(&self.env.db, &filter, AsOf { date, known_at: None }).await? {
            let sum = open.entry(item.currency()).or_insert(Open::none(item.currency()));
            sum.all = sum.all.checked_add(item.open)?;
            if item.days_past_due(date) > 0 {
                sum.overdue = sum.overdue.checked_add(item.open)?;
            }
        }
        Ok(open)
    }
}

/// Open items of a currency, and the overdue ones among them.
#[derive(Debug, Clone, Copy)]
struct Open {
    all: Money,
    overdue: Money,
}

impl Open {
    fn none(currency: Currency) -> Self {
        Open { all: Money::zero(currency), overdue: Money::zero(currency) }
    }
}

/// The latest months up to a date, newest first, with their days; the newest ends on the date.
fn last_months(as_of: NaiveDate) -> Vec<(NaiveDate, i64)> {
    let mut months = vec![(first_of_month(as_of), i64::from(as_of.day()))];
    let mut month = first_of_month(as_of);
    for _ in 1..COUNTBACK_MONTHS {
        let Some(last_day) = month.pred_opt() else { break };
        month = first_of_month(last_day);
        months.push((month, i64::from(last_day.day())));
    }
    months
}
