//! Exchange rates: put, and listed.

use weir_model::Call;

use super::OrderGate;
use crate::draft::PutRates;
use crate::engine::Ask;
use crate::error::Error;
use crate::fx::{Key, Rate};

impl OrderGate {
    /// Puts rates for the decisions that follow, each in place of the one of the same pair and day; the journal's
    /// position that holds them.
    pub async fn put_rates(&self, call: Call, rates: Vec<Rate>) -> Result<i64, Error> {
        Ok(self.engine.ask(Ask::PutRates(PutRates { rates }), call).await?.position)
    }

    /// Rates after one, by pair and day.
    pub fn rates(&self, after: Option<Key>, limit: usize) -> Result<Vec<Rate>, Error> {
        self.engine.read(|book| book.rates.after(after).take(limit).collect())
    }
}
