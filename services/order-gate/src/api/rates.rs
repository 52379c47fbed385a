//! `FxRateService`.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use tonic::{Request, Response, Status, async_trait};
use weir_model::{Fields, RequestId};
use weir_wire::{
    emit::{date, decimal},
    order_gate::v1::{fx_rate_service_server::FxRateService, *},
    parse, status,
};

use super::forward::here;
use super::{Edge, refused, token};
use crate::facade::About;
use crate::fx::{Key, Rate};

/// Rates of one call.
const RATES_MAX: usize = 500;
/// Decimals of a rate, and the greatest there is: with them amounts of 10^15 minor units convert without rounding.
const RATE_SCALE: u32 = 10;
const RATE_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

#[async_trait]
impl FxRateService for Edge {
    async fn put_fx_rates(&self, request: Request<PutFxRatesRequest>) -> Result<Response<PutFxRatesResponse>, Status> {
        let request = here!(self, request, rates, put_fx_rates, |_| About::Common);
        let call = self.call(&request, "weir.order_gate.v1.FxRateService/PutFxRates")?;
        let message = request.into_inner();
        let mut f = Fields::default();
        let request_id: Option<RequestId> = parse::id(&mut f, "request_id", &message.request_id);
        let rates = rates(&mut f, &message.rates);
        let (request_id, rates) = f.finish_with(request_id.zip(rates)).map_err(status)?;
        let call = call.with_request_id(Some(request_id));
        let position = self.context.put_rates(call, rates).await.map_err(refused)?;
        Ok(Response::new(PutFxRatesResponse { token: token(position) }))
    }

    async fn list_fx_rates(
        &self,
        request: Request<ListFxRatesRequest>,
    ) -> Result<Response<ListFxRatesResponse>, Status> {
        let request = here!(self, request, rates, list_fx_rates, |_| About::Common);
        let message = request.into_inner();
        let mut f = Fields::default();
        let limit = parse::page_size(&mut f, "page_size", message.page_size);
        let limit = f.finish_with(limit).map_err(status)?;
        let arguments = ["weir.order_gate.v1.FxRateService", "ListFxRates"];
        let after: Option<Key> = self.pages.decode(&arguments, &message.page_token).map_err(status)?;
        // one more than asked for tells whether there is a next page
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found = self.context.rates(after, size.saturating_add(1)).map_err(refused)?;
        let more = found.len() > size;
        found.truncate(size);
        let last = found.last().filter(|_| more).map(|rate| ((rate.from, rate.to), rate.effective));
        let next_page_token = last.map(|last| self.pages.encode(&arguments, &last)).unwrap_or_default();
        Ok(Response::new(ListFxRatesResponse { rates: found.iter().map(message_of).collect(), next_page_token }))
    }
}

fn message_of(rate: &Rate) -> FxRate {
    FxRate {
        from_currency_code: rate.from.code().to_owned(),
        to_currency_code: rate.to.code().to_owned(),
        effective_date: Some(date(rate.effective)),
        rate: Some(decimal(rate.rate)),
    }
}

/// The rates, or none and every field that is wrong.
fn rates(f: &mut Fields, messages: &[FxRate]) -> Option<Vec<Rate>> {
    if messages.is_empty() {
        f.add("rates", "is required");
        return None;
    }
    parse::at_most(f, "rates", messages, RATES_MAX);
    let mut seen = BTreeSet::new();
    let mut rates = Vec::with_capacity(messages.len().min(RATES_MAX));
    let mut complete = true;
    for (index, message) in messages.iter().take(RATES_MAX).enumerate() {
        let path = format!("rates[{index}]");
        let Some(rate) = rate(f, &path, message) else {
            complete = false;
            continue;
        };
        if !seen.insert((rate.from, rate.to, rate.effective)) {
            f.add(path, "names a pair and day twice");
            complete = false;
        }
        rates.push(rate);
    }
    complete.then_some(rates)
}

fn rate(f: &mut Fields, path: &str, message: &FxRate) -> Option<Rate> {
    let at = |field: &str| format!("{path}.{field}");
    let from = parse::currency(f, &at("from_currency_code"), &message.from_currency_code);
    let to = parse::currency(f, &at("to_currency_code"), &message.to_currency_code);
    let effective = parse::date(f, &at("effective_date"), message.effective_date.as_ref());
    let bounds = (Decimal::ZERO, RATE_MAX);
    let rate = parse::decimal(f, &at("rate"), message.rate.as_ref(), bounds, RATE_SCALE);
    let is_nothing = rate.is_some_and(|rate| rate.is_zero());
    if is_nothing {
        f.add(at("rate"), "must be above 0");
    }
    let is_one_currency = from.is_some() && from == to;
    if is_one_currency {
        f.add(at("to_currency_code"), "must be another currency");
    }
    let rate = Rate { from: from?, to: to?, effective: effective?, rate: rate?.normalize() };
    (!is_nothing && !is_one_currency).then_some(rate)
}
