//! Orders that pass together or not at all: decided one after the other, and all taken back where one does not pass.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::NaiveDate;
use hashbrown::{HashMap, HashSet};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Call, Country, DecisionId, GroupId, HoldId, OrderId};

use super::{Authorize, Draft, Input, Settled, Writes};
use crate::book::Account;
use crate::country::CountryTotal;
use crate::decision::Decision;
use crate::dossier::Dossier;
use crate::error::Error;
use crate::hold::Hold;
use crate::order::Order;
use crate::pool::Pool;

/// Asks for orders to pass together.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizeTogether {
    /// Each order once.
    pub(crate) orders: Vec<Authorize>,
}

/// What came of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Together {
    /// Whether all of them passed; otherwise nothing changed.
    pub(crate) reserved: bool,
    /// What was decided on each, or would have been.
    pub(crate) decisions: Vec<Given>,
}

/// A decision, or where it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Given {
    /// It comes of this command.
    Now(Box<Decision>),
    /// The journal has it.
    Recorded(DecisionId),
}

impl AuthorizeTogether {
    pub(crate) fn new(orders: Vec<Order>, business_date: NaiveDate) -> Self {
        let ask = |order| Authorize { order, business_date, must_be_known: false };
        AuthorizeTogether { orders: orders.into_iter().map(ask).collect() }
    }
}

impl Settled {
    /// The same, to be kept for a repetition of its request: decisions the journal has are only named.
    pub(crate) fn to_remember(&self) -> Cow<'_, Settled> {
        let Some(together) = &self.together else { return Cow::Borrowed(self) };
        let decisions = together.decisions.iter().map(|given| match given {
            Given::Now(decision) => decision.decision_id.clone().map_or_else(|| given.clone(), Given::Recorded),
            Given::Recorded(_) => given.clone(),
        });
        let together = Together { decisions: decisions.collect(), ..*together };
        Cow::Owned(Settled { together: Some(together), ..self.clone() })
    }
}

impl Draft<'_> {
    /// Checks orders and reserves them all, or changes nothing; each sees those before it.
    pub(crate) fn authorize_together(&mut self, call: &Call, ask: &AuthorizeTogether) -> Result<Settled, Error> {
        let before = Savepoint::of(self);
        let mut decided = self.authorize_each(call, ask);
        if !decided.as_ref().is_ok_and(|together| together.reserved) {
            before.restore(self);
        }
        if let Ok(together) = &mut decided
            && !together.reserved
        {
            together.decisions.iter_mut().for_each(Given::forget_ids);
        }
        Ok(Settled { together: Some(decided?), position: self.position(), ..Settled::default() })
    }

    fn authorize_each(&mut self, call: &Call, ask: &AuthorizeTogether) -> Result<Together, Error> {
        let mut together = Together { reserved: true, decisions: Vec::with_capacity(ask.orders.len()) };
        for (index, ask) in ask.orders.iter().enumerate() {
            let order_id = &ask.order.order_id;
            let of_order =
                |error| Error::OfOrder { index, order_id: order_id.as_str().to_owned(), error: Box::new(error) };
            let settled = self.authorize(call, ask).map_err(of_order)?;
            let given = match (settled.decision, settled.given_before) {
                (Some(decision), _) => Given::Now(Box::new(decision)),
                (None, Some(decision_id)) => Given::Recorded(decision_id),
                (None, None) => return Err(of_order(Error::Unavailable)),
            };
            // a repetition was answered once for all
            let answer = self.dossier(order_id).and_then(|dossier| dossier.answer_to(ask.order.revision));
            together.reserved &= answer.is_some_and(|answer| answer.passes);
            together.decisions.push(given);
        }
        Ok(together)
    }
}

impl Given {
    /// What is not recorded has no id, and no hold came of it.
    fn forget_ids(&mut self) {
        if let Given::Now(decision) = self {
            (decision.decision_id, decision.hold_id) = (None, None);
        }
    }
}

/// A draft as it was before some orders, to go back to.
struct Savepoint {
    accounts: HashMap<AccountId, Box<Account>>,
    dossiers: HashMap<OrderId, Arc<Dossier>>,
    pools: HashMap<GroupId, Pool>,
    countries: HashMap<Country, CountryTotal>,
    fresh: HashSet<OrderId>,
    holds: IndexMap<HoldId, Hold>,
    inputs: IndexMap<(AccountId, &'static str), Input>,
    common: HashMap<OrderId, i64>,
    /// Lines are only ever added.
    lines: usize,
}

impl Savepoint {
    fn of(draft: &Draft<'_>) -> Self {
        // orders change nothing of what is left out here
        let Draft { book: _, directory: _, found: _, ids: _, pulse: _, accounts, dossiers, pools, countries, .. } =
            draft;
        let Draft {
            heads: _, freed: _, freed_countries: _, moved: _, policy: _, rates: _, followed: _, writes, ..
        } = draft;
        let Writes { after: _, lines, fresh, holds, inputs, common, groups: _, rates: _, policies: _, .. } = writes;
        let Writes { bookmarks: _, moved: _, letters: _, letters_read: _, partitions: _, homes: _, .. } = writes;
        Savepoint {
            accounts: accounts.clone(),
            dossiers: dossiers.clone(),
            pools: pools.clone(),
            countries: countries.clone(),
            fresh: fresh.clone(),
            holds: holds.clone(),
            inputs: inputs.clone(),
            common: common.clone(),
            lines: lines.len(),
        }
    }

    fn restore(self, draft: &mut Draft<'_>) {
        let Savepoint { accounts, dossiers, pools, countries, fresh, holds, inputs, common, lines } = self;
        (draft.accounts, draft.dossiers, draft.pools, draft.countries) = (accounts, dossiers, pools, countries);
        // nothing came free
        draft.freed.clear();
        draft.freed_countries.clear();
        (draft.writes.fresh, draft.writes.holds, draft.writes.inputs) = (fresh, holds, inputs);
        draft.writes.common = common;
        draft.writes.lines.truncate(lines);
    }
}
