//! What other contexts say: taken in when its version is news, with the bookmark in the same transaction; then the held
//! orders of the accounts it is about are checked again.

use std::sync::Arc;

use indexmap::IndexSet;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, Call, CorrelationId, Country, Currency, GroupId, LineId, OrderId};

use super::{Bookmark, Draft, Input, Settled, call_for};
use crate::dossier::Dossier;
use crate::error::Error;
use crate::letter::{Addressed, Letter};
use crate::pool::{Group, Pools as _};
use crate::question::View as _;
use crate::standing::{Behaviour, Conduct, Credit, Position};

/// What another context says of an account or a group.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// Limits: its credit.
    Credit(AccountId, Arc<Credit>),
    /// Limits: a group.
    Group(GroupId, Arc<Group>),
    /// Collections: its conduct.
    Conduct(AccountId, Arc<Conduct>),
    /// The calendar: a new business date, on which another limit may hold.
    Day(AccountId),
    /// The calendar: what an order reserves may have run out.
    Expiry(OrderId),
    /// This process: the account came from another partition.
    Arrived(AccountId),
    /// This process: accounts of another process came.
    Admitted,
    /// Other processes: their accounts of some countries owe less.
    Room(Vec<Country>),
    /// Receivables: what it owes in a currency, and order lines whose invoiced amount moved. One step, so that nothing
    /// counts twice or not at all in between.
    Position(AccountId, Currency, Arc<Position>, Vec<Invoiced>),
    /// Receivables: further order lines of a position of a version, too many to be told with it.
    Invoiced(AccountId, Currency, i64, Vec<Invoiced>),
    /// Another partition: a letter of this number says that a line of an order was invoiced to an account there.
    Letter(i64, AccountId, Invoiced),
}

/// How much of an order line the account is invoiced in all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Invoiced {
    pub(crate) order_id: OrderId,
    pub(crate) line_id: LineId,
    pub(crate) currency: Currency,
    pub(crate) invoiced: i64,
}

impl Draft<'_> {
    /// Takes news in and moves the bookmark, if that is where whoever tells the news believes it to be.
    pub(crate) fn hear(&mut self, call: &Call, news: &[News], bookmark: Option<Bookmark>) -> Result<Settled, Error> {
        if let Some(Bookmark { feed, from, .. }) = bookmark
            && self.followed.reached(feed) != from
        {
            return Err(weir_store::Error::BookmarkMoved(feed.to_owned()).into());
        }
        let mut touched = IndexSet::new();
        for piece in news {
            let mut others = Vec::new();
            touched.extend(self.take_in(call, piece, &mut others));
            touched.extend(others);
        }
        self.recheck_held(call, touched, call.today);
        if let Some(bookmark) = bookmark {
            self.writes.bookmarks.push(bookmark);
            self.followed.reach(bookmark.feed, bookmark.to);
        }
        Ok(Settled { position: self.position(), ..Settled::default() })
    }

    /// The account whose held orders may pass now, if it is news; adds others whose orders it is about.
    fn take_in(&mut self, call: &Call, news: &News, others: &mut Vec<AccountId>) -> Option<AccountId> {
        match news {
            News::Credit(account_id, _)
            | News::Conduct(account_id, _)
            | News::Position(account_id, ..)
            | News::Invoiced(account_id, ..)
            | News::Arrived(account_id)
                if !self.holds(account_id) =>
            {
                // whoever decides for it hears of it too
                None
            }
            News::Day(account_id) => Some(account_id.clone()),
            News::Arrived(account_id) => {
                // what it was moved by may have changed on its way
                self.rehome(call, account_id);
                Some(account_id.clone())
            }
            News::Admitted => {
                self.rehome_all(call);
                None
            }
            News::Room(countries) => {
                self.freed_countries.extend(countries.iter().copied());
                None
            }
            News::Expiry(order_id) => self.expire(call, order_id),
            News::Group(group_id, group) => {
                let parent = self.pool(group_id).and_then(|pool| pool.group.parent.clone());
                if self.hear_of_group(group_id, group) && parent != group.parent {
                    self.rehome_all(call);
                }
                None
            }
            News::Letter(letter_id, account_id, line) => {
                self.writes.letters_read.push(*letter_id);
                self.invoice(call, account_id, std::slice::from_ref(line), others);
                None
            }
            News::Credit(account_id, credit) => {
                let known = self.account(account_id).and_then(|account| account.credit.as_ref());
                if known.is_some_and(|known| known.version >= credit.version) {
                    return None;
                }
                self.change_account(account_id, |account| account.credit = Some(credit.clone()));
                self.free_groups_of(account_id);
                self.writes.inputs.insert((account_id.clone(), "credit"), Input::Credit(credit.clone()));
                self.rehome(call, account_id);
                Some(account_id.clone())
            }
            News::Conduct(account_id, conduct) => {
                let known = self.account(account_id).and_then(|account| account.conduct.as_ref());
                if known.is_some_and(|known| known.version >= conduct.version) {
                    return None;
                }
                self.account_mut(account_id).conduct = Some(conduct.clone());
                self.free_groups_of(account_id);
                self.writes.inputs.insert((account_id.clone(), "conduct"), Input::Conduct(conduct.clone()));
                Some(account_id.clone())
            }
            News::Position(account_id, currency, position, invoiced) => {
                let known = self.account(account_id).and_then(|account| account.purse(*currency));
                let known = known.and_then(|purse| purse.position.as_ref());
                if known.is_some_and(|known| known.version >= position.version) {
                    return None;
                }
                let position = &knowing(position, known.and_then(|known| known.behaviour));
                self.change_account(account_id, |account| {
                    account.purse_mut(*currency).position = Some(position.clone());
                });
                let input = Input::Position(*currency, position.clone());
                self.writes.inputs.insert((account_id.clone(), currency.code()), input);
                self.invoice(call, account_id, invoiced, others);
                Some(account_id.clone())
            }
            News::Invoiced(account_id, currency, version, invoiced) => {
                let known = self.account(account_id).and_then(|account| account.purse(*currency));
                let known = known.and_then(|purse| purse.position.as_ref());
                // what is known of a newer version is newer than these lines
                known.filter(|known| known.version == *version)?;
                self.invoice(call, account_id, invoiced, others);
                Some(account_id.clone())
            }
        }
    }

    /// Frees what an order reserves if it has run out; whose room that is.
    fn expire(&mut self, call: &Call, order_id: &OrderId) -> Option<AccountId> {
        let days = self.policy.policy.commitment_days?;
        let known = self.dossier(order_id).filter(|known| known.is_due_to_expire(days, call.today))?.clone();
        let mut dossier = Dossier::clone(&known);
        dossier.expire();
        self.put(&call_for(call, Some(&known)), dossier);
        known.counts_for().map(|(account_id, _)| account_id.clone())
    }

    /// Invoices of orders not known yet are kept until the order comes. Adds whose orders they are, which need not be
    /// the account invoiced.
    fn invoice(&mut self, call: &Call, account_id: &AccountId, invoiced: &[Invoiced], whose: &mut Vec<AccountId>) {
        for line in invoiced {
            let known = self.dossier(&line.order_id).cloned();
            if let Some(decided_for) = known.as_deref().and_then(Dossier::account_id).filter(|id| !self.holds(id)) {
                let partition = self.directory.home(decided_for.as_str());
                let letter = Letter::Invoiced { account_id: account_id.clone(), line: line.clone() };
                self.writes.letters.push(Addressed { partition, letter });
                continue;
            }
            let call = call_for(call, known.as_deref());
            let mut dossier = match &known {
                Some(known) => Dossier::clone(known),
                None => Dossier::new(line.order_id.clone(), unnamed(&line.order_id, &call)),
            };
            if dossier.invoice(account_id, (&line.line_id, line.currency), line.invoiced) {
                let waits_at = dossier.waiting.as_ref().map(|hold| &hold.order.account_id);
                let counts_at = dossier.counts_for().map(|(account_id, _)| account_id);
                whose.extend(counts_at.into_iter().chain(waits_at).cloned());
                self.put(&call, dossier);
            }
        }
    }
}

/// A position with what was told before of how the account paid, where it tells nothing new.
fn knowing(position: &Arc<Position>, behaviour: Option<Behaviour>) -> Arc<Position> {
    if position.behaviour.is_some() || behaviour.is_none() {
        return position.clone();
    }
    Arc::new(Position { behaviour, ..Position::clone(position) })
}

/// An order only invoices know of is correlated by its own id until its first decision.
fn unnamed(order_id: &OrderId, call: &Call) -> CorrelationId {
    CorrelationId::parse(order_id.as_str()).unwrap_or_else(|_| call.correlation_id.clone())
}
