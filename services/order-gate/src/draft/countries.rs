//! Countries in a draft: what their accounts owe together, and which held orders wait for them.

use std::sync::Arc;

use weir_model::Country;

use super::Draft;
use crate::country::{Countries, CountriesMut, CountryTotal};
use crate::hold::Hold;

impl Countries for Draft<'_> {
    fn country(&self, country: Country) -> Option<&CountryTotal> {
        self.countries.get(&country).or_else(|| self.book.countries.get(&country))
    }
}

impl CountriesMut for Draft<'_> {
    fn country_mut(&mut self, country: Country) -> &mut CountryTotal {
        let known = || self.book.countries.get(&country).cloned().unwrap_or_default();
        self.countries.entry(country).or_insert_with(known)
    }
}

impl Draft<'_> {
    /// Keeps what waits for countries in step with what stops a held order.
    pub(super) fn wait_for_countries(&mut self, was: Option<&Hold>, is: Option<&Hold>) {
        let countries = |hold: Option<&Hold>| hold.into_iter().flat_map(Hold::stopped_in).collect::<Vec<_>>();
        let (before, after) = (countries(was), countries(is));
        if let Some(hold) = was {
            for country in before {
                Arc::make_mut(&mut self.country_mut(country).waiting).remove(&hold.age());
            }
        }
        if let Some(hold) = is {
            for country in after {
                let waiting = Arc::make_mut(&mut self.country_mut(country).waiting);
                waiting.insert(hold.age(), hold.order.order_id.clone());
            }
        }
    }
}
