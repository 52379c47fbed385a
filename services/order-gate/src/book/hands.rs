//! Accounts that go from one process to another, and what processes tell each other of theirs.

use std::sync::Arc;

use hashbrown::HashMap;
use weir_model::{AccountId, Country};

use super::Book;
use crate::country::{self, CountryTotal};
use crate::fx::Rates;
use crate::pool::{Amounts, add, shift};
use crate::store::Owed;

impl Book {
    /// What the accounts of each country owe together, in minor units; beyond 64 bits as much as fits.
    pub(crate) fn country_totals(&self) -> Vec<Owed> {
        let narrow = |amount: i128| i64::try_from(amount).unwrap_or(i64::MAX);
        let of_country = |(country, total): (&Country, &CountryTotal)| {
            let country = *country;
            total.here().iter().map(move |(currency, amount)| (country, *currency, narrow(*amount))).collect::<Vec<_>>()
        };
        let mut totals: Vec<Owed> = self.countries.iter().flat_map(of_country).collect();
        totals.sort_unstable();
        totals
    }

    /// Notes what accounts owe in each country that other processes decide for; the countries in which it fell.
    pub(crate) fn put_elsewhere(&mut self, owed: &[Owed]) -> Vec<Country> {
        let mut by_country: HashMap<Country, Amounts> = HashMap::new();
        for (country, currency, amount) in owed {
            add(by_country.entry(*country).or_default(), *currency, i128::from(*amount));
        }
        for country in by_country.keys() {
            self.countries.entry(*country).or_default();
        }
        let mut fell = Vec::new();
        for (country, total) in &mut self.countries {
            if total.put_elsewhere(by_country.remove(country).unwrap_or_default()) {
                fell.push(*country);
            }
        }
        fell
    }

    /// An empty book that goes by the same.
    pub(crate) fn empty(&self) -> Book {
        let (policy, rates) = (self.policy.clone(), Rates::clone(&self.rates));
        Book::new(policy, rates, self.followed, self.last_position)
    }

    /// Takes in accounts another process decided for, with all that belongs to them.
    pub(crate) fn admit(&mut self, part: Book) {
        for (group_id, pool) in part.pools {
            let waiting = &mut self.pools.entry(group_id).or_default().waiting;
            Arc::make_mut(waiting).extend(pool.waiting.iter().map(|(age, order_id)| (age.clone(), order_id.clone())));
        }
        for (country, total) in part.countries {
            let waiting = &mut self.countries.entry(country).or_default().waiting;
            Arc::make_mut(waiting).extend(total.waiting.iter().map(|(age, order_id)| (age.clone(), order_id.clone())));
        }
        for (account_id, account) in part.accounts {
            let (share, stake) = (account.share(), account.stake());
            let before = self.accounts.insert(account_id, account);
            shift(self, before.as_ref().and_then(|before| before.share()).as_ref(), share.as_ref());
            country::shift(self, before.as_ref().and_then(|before| before.stake()).as_ref(), stake.as_ref());
        }
        self.dossiers.extend(part.dossiers);
    }

    /// Lets go of accounts another process decides for, with all that belongs to them.
    pub(crate) fn dismiss(&mut self, leaves: impl Fn(&AccountId) -> bool) {
        let left: Vec<_> = self.accounts.extract_if(|account_id, _| leaves(account_id)).collect();
        for (_, account) in &left {
            shift(self, account.share().as_ref(), None);
            country::shift(self, account.stake().as_ref(), None);
        }
        let (pools, countries) = (&mut self.pools, &mut self.countries);
        self.dossiers.retain(|_, dossier| {
            let stays = !dossier.account_id().is_some_and(&leaves);
            if let (false, Some(hold)) = (stays, &dossier.waiting) {
                for group_id in hold.stopped_by() {
                    let waiting = &mut pools.entry_ref(group_id).or_default().waiting;
                    Arc::make_mut(waiting).remove(&hold.age());
                }
                for country in hold.stopped_in() {
                    let waiting = &mut countries.entry(country).or_default().waiting;
                    Arc::make_mut(waiting).remove(&hold.age());
                }
            }
            stays
        });
    }
}
