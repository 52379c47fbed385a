//! Exchange rates put into the table the gate converts by.

use std::sync::Arc;

use weir_model::Call;

use super::{Draft, Settled, json};
use crate::fx::Rate;

/// Puts rates, each in place of the one of the same pair and day.
#[derive(Debug, Clone)]
pub(crate) struct PutRates {
    /// At most one a pair and day.
    pub(crate) rates: Vec<Rate>,
}

impl Draft<'_> {
    /// Puts rates for the decisions that follow. One that is there already is no news.
    pub(crate) fn put_rates(&mut self, call: &Call, ask: &PutRates) -> Settled {
        let call = Arc::new(call.clone());
        for rate in &ask.rates {
            let before = Arc::make_mut(&mut self.rates).put(*rate);
            if before == Some(*rate) {
                continue;
            }
            let pair = format!("{}/{}", rate.from, rate.to);
            self.line(&call, ("fx_rate_put", &pair, 1), before.as_ref().map(json), json(rate));
            self.writes.rates.push(*rate);
        }
        Settled { position: self.position(), ..Settled::default() }
    }
}
