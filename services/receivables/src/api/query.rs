//! Questions: read, asked, answered page by page.

use chrono::NaiveDate;
use tonic::Request;
use weir_model::{AccountId, Currency, Fault, Fields, ItemId, OrderId, PaymentId, add_days};
use weir_wire::{emit, parse, receivables::v1 as pb};

use super::{
    Edge, GET_ACCOUNT_POSITION, GET_AGING, GET_FIGURES, GET_ITEM, GET_PAYMENT, LIST_ALERTS, LIST_OPEN_ITEMS,
    RUN_ALERTS,
    document::{optional_currency, past_date},
    token, write,
};
use crate::{
    aging::{Aging, Buckets, Row, is_increasing},
    alerts::Level,
    item::ItemKind,
    queries::{AgingBasis, AgingOrder, CurrencyFigures, GroupBy},
    store::{
        as_of::{AsOf, ItemFilter},
        run::AlertFilter,
    },
};

/// Most bounds of buckets.
const BOUNDS_MAX: usize = 24;

/// Largest bound of a bucket in days: a century.
const BOUND_DAYS_MAX: i64 = 36_600;

/// Window of figures where the caller names none, and the longest, in days.
const WINDOW_DAYS_DEFAULT: i64 = 90;
const WINDOW_DAYS_MAX: i64 = 3_660;

impl Edge {
    pub(super) async fn get_aging(&self, request: Request<pb::GetAgingRequest>) -> Result<pb::GetAgingResponse, Fault> {
        let call = self.call(&request, GET_AGING)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let date = parse::optional_date(&mut fields, "as_of_date", message.as_of_date.as_ref());
        let known_at = parse::optional_instant(&mut fields, "known_at_time", message.known_at_time.as_ref());
        let basis = parse::optional_one_of(&mut fields, "basis", message.basis);
        let overdue = bounds(&mut fields, "bucket_days", &message.bucket_days);
        let not_due = bounds(&mut fields, "not_due_bucket_days", &message.not_due_bucket_days);
        let group_by = parse::optional_one_of(&mut fields, "group_by", message.group_by);
        let account_id = parse::optional_id(&mut fields, "account_id", &message.account_id);
        let currency = optional_currency(&mut fields, "currency_code", &message.currency_code);
        let size = parse::page_size(&mut fields, "page_size", message.page_size);
        let order = (|| {
            let as_of = AsOf { date: date?.unwrap_or(call.today), known_at: known_at? };
            Some(AgingOrder {
                as_of,
                basis: match basis? {
                    Some(pb::AgingBasis::DocumentDate) => AgingBasis::DocumentDate,
                    _ => AgingBasis::DueDate,
                },
                buckets: Buckets::new(&overdue?, &not_due?),
                group_by: match group_by? {
                    Some(pb::AgingGroup::Salesperson) => GroupBy::Salesperson,
                    Some(pb::AgingGroup::Region) => GroupBy::Region,
                    Some(pb::AgingGroup::Industry) => GroupBy::Industry,
                    _ => GroupBy::Account,
                },
                account_id: account_id?,
                currency: currency?,
            })
        })();
        let (order, size) = fields.finish_with(order.zip(size))?;
        let arguments = arguments(&message, |bare| (bare.page_size, bare.page_token) = (0, String::new()));
        let after: Option<(String, String)> = self.pages.decode(&[GET_AGING, &arguments], &message.page_token)?;
        let date = order.as_of.date;
        let aging = self.context.aging(order).await?;
        let is_after = |currency: &Currency, group: &str| {
            after.as_ref().is_none_or(|(code, last)| (currency.code(), group) > (code.as_str(), last.as_str()))
        };
        let mut rest = aging.rows.iter().filter(|((currency, group), _)| is_after(currency, group)).peekable();
        let mut rows = Vec::new();
        let mut last = None;
        for ((currency, group), found) in rest.by_ref().take(usize::try_from(size).unwrap_or(usize::MAX)) {
            rows.push(row(group, found)?);
            last = Some((currency.code().to_owned(), group.clone()));
        }
        let next = last.filter(|_| rest.peek().is_some());
        let totals = aging.totals().map_err(overflow)?;
        Ok(pb::GetAgingResponse {
            as_of_date: Some(emit::date(date)),
            buckets: buckets(&aging),
            rows,
            totals: totals.values().map(|total| row("", total)).collect::<Result<_, _>>()?,
            next_page_token: next
                .map(|keyset| self.pages.encode(&[GET_AGING, &arguments], &keyset))
                .unwrap_or_default(),
        })
    }

    pub(super) async fn list_open_items(
        &self,
        request: Request<pb::ListOpenItemsRequest>,
    ) -> Result<pb::ListOpenItemsResponse, Fault> {
        let call = self.call(&request, LIST_OPEN_ITEMS)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::optional_id::<AccountId>(&mut fields, "account_id", &message.account_id);
        let currency = optional_currency(&mut fields, "currency_code", &message.currency_code);
        let date = parse::optional_date(&mut fields, "as_of_date", message.as_of_date.as_ref());
        let known_at = parse::optional_instant(&mut fields, "known_at_time", message.known_at_time.as_ref());
        let kind = parse::optional_one_of::<pb::ItemKind>(&mut fields, "kind", message.kind);
        let order_id = parse::optional_id::<OrderId>(&mut fields, "order_id", &message.order_id);
        let least = message.days_past_due_min.map(i64::from);
        let least = match least {
            Some(days) => {
                parse::whole(&mut fields, "days_past_due_min", days, (-BOUND_DAYS_MAX, BOUND_DAYS_MAX)).map(Some)
            }
            None => Some(None),
        };
        let size = parse::page_size(&mut fields, "page_size", message.page_size);
        let filter = (|| {
            let as_of = AsOf { date: date?.unwrap_or(call.today), known_at: known_at? };
            let kind = match kind? {
                Some(pb::ItemKind::Invoice) => Some(ItemKind::Invoice),
                Some(pb::ItemKind::DebitNote) => Some(ItemKind::DebitNote),
                Some(pb::ItemKind::CreditNote) => Some(ItemKind::CreditNote),
                Some(pb::ItemKind::Charge) => Some(ItemKind::Charge),
                Some(pb::ItemKind::Unspecified) | None => None,
            };
            let filter = ItemFilter {
                account_id: account_id?,
                currency: currency?,
                kind,
                order_id: order_id?,
                due_until: least?.and_then(|days| add_days(as_of.date, -days)),
                disputed_only: message.disputed_only,
                include_settled: message.include_settled,
                include_credit: false,
                after: None,
                limit: None,
            };
            Some((filter, as_of))
        })();
        let ((mut filter, as_of), size) = fields.finish_with(filter.zip(size))?;
        let arguments = arguments(&message, |bare| (bare.page_size, bare.page_token) = (0, String::new()));
        filter.after = self.pages.decode(&[LIST_OPEN_ITEMS, &arguments], &message.page_token)?;
        // one more than asked tells whether there is a next page
        filter.limit = Some(size + 1);
        let mut items = self.context.items(&filter, as_of).await?;
        let more = cut(&mut items, size);
        let last = items.last().filter(|_| more).map(|item| (item.due_date, item.id.clone()));
        Ok(pb::ListOpenItemsResponse {
            items: items.iter().map(write::item).collect(),
            next_page_token: last
                .map(|keyset: (NaiveDate, ItemId)| self.pages.encode(&[LIST_OPEN_ITEMS, &arguments], &keyset))
                .unwrap_or_default(),
        })
    }

    pub(super) async fn get_item(&self, request: Request<pb::GetItemRequest>) -> Result<pb::GetItemResponse, Fault> {
        let call = self.call(&request, GET_ITEM)?;
        let mut fields = Fields::default();
        let id = parse::id::<ItemId>(&mut fields, "item_id", &request.get_ref().item_id);
        let story = self.context.item(&fields.finish_with(id)?).await?;
        let item = &story.item;
        let level = |level: Level| {
            let fired = story.alerts.iter().find(|alert| alert.level == level);
            fired.map_or_else(|| write::unfired(item, level, call.today), write::fired)
        };
        Ok(pb::GetItemResponse {
            item: Some(write::item(item)),
            days_past_due: i32::try_from(item.days_past_due(call.today)).unwrap_or(i32::MAX),
            lines: story.lines.iter().map(write::line).collect(),
            allocations: story.allocations.iter().map(write::allocation).collect(),
            disputes: story.disputes.iter().map(write::dispute).collect(),
            alerts: if item.is_credit() { Vec::new() } else { Level::ALL.map(level).to_vec() },
            attributes: Some(write::attributes(&item.attributes)),
            recorded_time: Some(emit::timestamp(item.recorded_at)),
            recorded_by: item.recorded_by.to_string(),
            posting_date: Some(emit::date(item.posting_date)),
            cancellation_reason: story.cancellation_reason.clone().unwrap_or_default(),
        })
    }

    pub(super) async fn get_payment(
        &self,
        request: Request<pb::GetPaymentRequest>,
    ) -> Result<pb::GetPaymentResponse, Fault> {
        self.call(&request, GET_PAYMENT)?;
        let mut fields = Fields::default();
        let id = parse::id::<PaymentId>(&mut fields, "payment_id", &request.get_ref().payment_id);
        let story = self.context.payment(&fields.finish_with(id)?).await?;
        Ok(pb::GetPaymentResponse {
            payment: Some(write::payment(&story.payment)),
            reversal_reason: story.reversal_reason.unwrap_or_default(),
            allocations: story.allocations.iter().map(write::allocation).collect(),
        })
    }

    pub(super) async fn get_account_position(
        &self,
        request: Request<pb::GetAccountPositionRequest>,
    ) -> Result<pb::GetAccountPositionResponse, Fault> {
        self.call(&request, GET_ACCOUNT_POSITION)?;
        let mut fields = Fields::default();
        let id = parse::id::<AccountId>(&mut fields, "account_id", &request.get_ref().account_id);
        let positions = self.context.positions_of(&fields.finish_with(id)?).await?;
        Ok(pb::GetAccountPositionResponse { positions: positions.iter().map(write::position).collect() })
    }

    pub(super) async fn get_figures(
        &self,
        request: Request<pb::GetFiguresRequest>,
    ) -> Result<pb::GetFiguresResponse, Fault> {
        let call = self.call(&request, GET_FIGURES)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::optional_id::<AccountId>(&mut fields, "account_id", &message.account_id);
        let currency = optional_currency(&mut fields, "currency_code", &message.currency_code);
        let date = parse::optional_date(&mut fields, "as_of_date", message.as_of_date.as_ref());
        let days = match message.window_days {
            0 => Some(WINDOW_DAYS_DEFAULT),
            days => parse::whole(&mut fields, "window_days", days.into(), (1, WINDOW_DAYS_MAX)),
        };
        let (account_id, currency, date, days) =
            fields.finish_with((|| Some((account_id?, currency?, date?, days?)))())?;
        let date = date.unwrap_or(call.today);
        let all = self.context.figures(account_id.as_ref(), currency, date, days).await?;
        Ok(pb::GetFiguresResponse { figures: all.iter().map(|(currency, found)| figures(*currency, found)).collect() })
    }

    pub(super) async fn run_alerts(
        &self,
        request: Request<pb::RunAlertsRequest>,
    ) -> Result<pb::RunAlertsResponse, Fault> {
        let mut call = self.call(&request, RUN_ALERTS)?;
        let mut fields = Fields::default();
        let date = past_date(&mut fields, "business_date", request.get_ref().business_date.as_ref(), call.today);
        call.today = fields.finish_with(date)?.unwrap_or(call.today);
        let ran = self.context.run(&call).await?;
        let position = match ran.position {
            Some(position) => position,
            None => self.context.journal().head().await.map_err(crate::Error::from)?,
        };
        Ok(pb::RunAlertsResponse { fired_count: ran.fired, booked_payment_count: ran.booked, token: token(position) })
    }

    pub(super) async fn list_alerts(
        &self,
        request: Request<pb::ListAlertsRequest>,
    ) -> Result<pb::ListAlertsResponse, Fault> {
        self.call(&request, LIST_ALERTS)?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let account_id = parse::optional_id::<AccountId>(&mut fields, "account_id", &message.account_id);
        let item_id = parse::optional_id::<ItemId>(&mut fields, "item_id", &message.item_id);
        let level = parse::optional_one_of::<pb::AlertLevel>(&mut fields, "level", message.level);
        let fired_from = parse::optional_date(&mut fields, "fired_from_date", message.fired_from_date.as_ref());
        let size = parse::page_size(&mut fields, "page_size", message.page_size);
        let (account_id, item_id, level, fired_from, size) =
            fields.finish_with((|| Some((account_id?, item_id?, level?, fired_from?, size?)))())?;
        let level = level.and_then(|wanted| Level::ALL.into_iter().find(|level| write::level(*level) == wanted));
        let arguments = arguments(&message, |bare| (bare.page_size, bare.page_token) = (0, String::new()));
        let after = self.pages.decode(&[LIST_ALERTS, &arguments], &message.page_token)?;
        let filter = AlertFilter { account_id, item_id, level, fired_from, after, limit: Some(size + 1) };
        let mut alerts = self.context.alerts(&filter).await?;
        let more = cut(&mut alerts, size);
        let last = alerts.last().filter(|_| more);
        let keyset = last.map(|last| (last.fired_date, last.item_id.to_string(), last.level.bit()));
        Ok(pb::ListAlertsResponse {
            alerts: alerts.iter().map(write::fired).collect(),
            next_page_token: keyset
                .map(|keyset| self.pages.encode(&[LIST_ALERTS, &arguments], &keyset))
                .unwrap_or_default(),
        })
    }
}

/// Everything that selects and orders a list, as one text for its page tokens.
fn arguments<M: Clone + std::fmt::Debug>(message: &M, without_page: impl FnOnce(&mut M)) -> String {
    let mut bare = message.clone();
    without_page(&mut bare);
    format!("{bare:?}")
}

/// Cuts a list to a page; whether something was left over.
fn cut<T>(list: &mut Vec<T>, size: i64) -> bool {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = list.len() > size;
    list.truncate(size);
    more
}

fn bounds(fields: &mut Fields, path: &str, days: &[i32]) -> Option<Vec<i64>> {
    let bounds: Vec<i64> = days.iter().map(|days| i64::from(*days)).collect();
    let fits = bounds.len() <= BOUNDS_MAX && bounds.iter().all(|bound| *bound <= BOUND_DAYS_MAX);
    if fits && is_increasing(&bounds) {
        return Some(bounds);
    }
    fields.add(path, format!("must be at most {BOUNDS_MAX} numbers from 1 to {BOUND_DAYS_MAX}, strictly increasing"));
    None
}

fn overflow(error: weir_model::MoneyError) -> Fault {
    crate::Error::from(error).into()
}

fn buckets(aging: &Aging) -> Vec<pb::AgingBucket> {
    let days = |days: Option<i64>| days.and_then(|days| i32::try_from(days).ok());
    let bucket = |bucket: &crate::aging::Bucket| pb::AgingBucket {
        label: bucket.label.clone(),
        age_days_min: days(bucket.from),
        age_days_max: days(bucket.to),
    };
    aging.buckets.as_slice().iter().map(bucket).collect()
}

fn row(group: &str, row: &Row) -> Result<pb::AgingRow, Fault> {
    Ok(pb::AgingRow {
        group: group.to_owned(),
        amounts: row.amounts.iter().map(|amount| emit::money(*amount)).collect(),
        unapplied_amount: Some(emit::money(row.unapplied.checked_neg().map_err(overflow)?)),
        outstanding_amount: Some(emit::money(row.outstanding().map_err(overflow)?)),
        disputed_amount: Some(emit::money(row.disputed)),
        future_dated_amount: Some(emit::money(row.future_dated)),
        item_count: row.item_count,
    })
}

fn figures(currency: Currency, found: &CurrencyFigures) -> pb::Figures {
    let CurrencyFigures { basis, overdue, countback_dso, window_start } = found;
    pb::Figures {
        currency_code: currency.code().to_owned(),
        receivables_amount: Some(emit::money(basis.end)),
        overdue_amount: Some(emit::money(*overdue)),
        sales_amount: Some(emit::money(basis.sales)),
        dso_days: basis.dso().map(emit::decimal),
        countback_dso_days: countback_dso.map(emit::decimal),
        best_possible_dso_days: basis.best_possible_dso().map(emit::decimal),
        average_days_delinquent: basis.average_days_delinquent().map(emit::decimal),
        collection_effectiveness_percent: basis.collection_effectiveness().map(emit::decimal),
        overdue_percent: basis.overdue_rate().map(emit::decimal),
        turnover: basis.turnover().map(emit::decimal),
        window_start_date: Some(emit::date(*window_start)),
    }
}
