//! What accounts' orders of late were worth, kept while the policy asks.

use std::sync::Arc;

use weir_model::{AccountId, Call};

use super::{Draft, Input};
use crate::dossier::Dossier;
use crate::pattern::Pattern;
use crate::policy::Rule;

impl Draft<'_> {
    /// Keeps in step what the account's orders were worth with what passed of one of them.
    pub(super) fn note_pattern(&mut self, call: &Call, before: Option<&Dossier>, after: &Dossier) {
        if !self.policy.policy.asks(Rule::OrderPatternDeviation) {
            return;
        }
        let passed = |dossier: &Dossier| Some((dossier.counts_for()?.0.clone(), dossier.passed_order()?));
        let (was, is) = (before.and_then(passed), passed(after));
        if was == is {
            return;
        }
        if let Some((account_id, order)) = was {
            self.change_pattern(call, &account_id, |pattern| pattern.take_back(order));
        }
        if let Some((account_id, order)) = is {
            self.change_pattern(call, &account_id, |pattern| pattern.add(order));
        }
    }

    fn change_pattern(&mut self, call: &Call, account_id: &AccountId, change: impl FnOnce(&mut Pattern)) {
        let pattern = self.account_mut(account_id).pattern.get_or_insert_default();
        let kept = Arc::make_mut(pattern);
        change(kept);
        kept.forget(call.today);
        let pattern = pattern.clone();
        self.writes.inputs.insert((account_id.clone(), "pattern"), Input::Pattern(pattern));
    }
}
