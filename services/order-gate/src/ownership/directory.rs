//! Where accounts are decided, as far as this process knows: in which partition each lies, and who has that.

use std::num::NonZeroU16;
use std::sync::Arc;

use hashbrown::HashMap;
use weir_model::AccountId;

use super::partition_of;

/// Who decides for a partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Seat {
    /// Nobody, as far as is known.
    #[default]
    Nobody,
    /// This process: what belongs to the partition is in its book.
    Here,
    /// Another process, where it is reached; empty where it cannot be.
    There(Arc<str>),
}

/// Where accounts are decided.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    partitions: NonZeroU16,
    /// By number of the partition.
    seats: Vec<Seat>,
    /// Partitions of accounts that do not lie where their own ids say: with the others of their group.
    homes: HashMap<AccountId, i64>,
}

impl Directory {
    /// A directory in which nobody decides.
    pub(crate) fn new(partitions: NonZeroU16) -> Self {
        let seats = vec![Seat::Nobody; usize::from(partitions.get())];
        Directory { partitions, seats, homes: HashMap::new() }
    }

    /// A directory of a process that decides for everybody.
    #[cfg(test)]
    pub(crate) fn all_here(partitions: NonZeroU16) -> Self {
        let mut directory = Directory::new(partitions);
        directory.seats.fill(Seat::Here);
        directory
    }

    /// How many partitions there are.
    pub(crate) fn partitions(&self) -> NonZeroU16 {
        self.partitions
    }

    /// The partition an id names by itself.
    pub(crate) fn named_by(&self, id: &str) -> i64 {
        partition_of(id, self.partitions)
    }

    /// The partition an account lies in.
    pub(crate) fn home(&self, account_id: &str) -> i64 {
        self.moved_home(account_id).unwrap_or_else(|| self.named_by(account_id))
    }

    /// The partition of an account that does not lie where its own id says.
    pub(crate) fn moved_home(&self, account_id: &str) -> Option<i64> {
        if self.homes.is_empty() { None } else { self.homes.get(account_id).copied() }
    }

    /// Notes in which partition an account lies.
    pub(crate) fn put_home(&mut self, account_id: &AccountId, partition: i64) {
        if partition == self.named_by(account_id.as_str()) {
            self.homes.remove(account_id);
        } else {
            self.homes.insert(account_id.clone(), partition);
        }
    }

    /// Who decides for a partition.
    pub(crate) fn seat(&self, partition: i64) -> &Seat {
        usize::try_from(partition).ok().and_then(|index| self.seats.get(index)).unwrap_or(&Seat::Nobody)
    }

    /// Notes who decides for a partition; whether that is news.
    pub(crate) fn put_seat(&mut self, partition: i64, seat: Seat) -> bool {
        let known = usize::try_from(partition).ok().and_then(|index| self.seats.get_mut(index));
        known.is_some_and(|known| {
            let is_news = *known != seat;
            *known = seat;
            is_news
        })
    }

    /// Whether this process decides for a partition.
    pub(crate) fn is_here(&self, partition: i64) -> bool {
        *self.seat(partition) == Seat::Here
    }

    /// Whether this process decides for an account.
    pub(crate) fn holds(&self, account_id: &AccountId) -> bool {
        self.is_here(self.home(account_id.as_str()))
    }

    /// Whether this process decides for everybody.
    pub(crate) fn is_all_here(&self) -> bool {
        self.seats.iter().all(|seat| *seat == Seat::Here)
    }

    /// The partitions this process decides for.
    pub(crate) fn here(&self) -> Vec<i64> {
        let here = (0_i64..).zip(&self.seats).filter(|(_, seat)| **seat == Seat::Here);
        here.map(|(partition, _)| partition).collect()
    }

    /// Whether another process decides for a partition, and can be reached.
    pub(crate) fn is_any_there(&self) -> bool {
        self.seats.iter().any(|seat| matches!(seat, Seat::There(address) if !address.is_empty()))
    }

    /// This process decides for nobody any more.
    pub(crate) fn leave(&mut self) {
        for seat in self.seats.iter_mut().filter(|seat| **seat == Seat::Here) {
            *seat = Seat::Nobody;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str) -> AccountId {
        AccountId::parse(id).unwrap()
    }

    fn three() -> Directory {
        Directory::new(NonZeroU16::new(3).unwrap())
    }

    #[test]
    fn an_account_lies_where_its_id_says_until_it_is_moved_and_again_when_it_is_moved_back() {
        let mut directory = three();
        let named = directory.named_by("acme");
        let other = (named + 1) % 3;
        assert_eq!(directory.home("acme"), named);
        directory.put_home(&account("acme"), other);
        assert_eq!((directory.home("acme"), directory.moved_home("acme")), (other, Some(other)));
        directory.put_home(&account("acme"), named);
        assert_eq!((directory.home("acme"), directory.moved_home("acme")), (named, None));
    }

    #[test]
    fn a_process_holds_the_accounts_of_its_partitions() {
        let mut directory = three();
        let named = directory.named_by("acme");
        assert!(!directory.holds(&account("acme")));
        assert!(directory.put_seat(named, Seat::Here));
        assert!(!directory.put_seat(named, Seat::Here), "no news");
        assert!(directory.holds(&account("acme")));
        assert_eq!(directory.here(), [named]);
        directory.leave();
        assert!(!directory.holds(&account("acme")));
    }

    #[test]
    fn a_partition_there_is_not_is_decided_by_nobody() {
        let mut directory = Directory::all_here(NonZeroU16::MIN);
        for none in [-1, 1, i64::MAX] {
            assert_eq!(*directory.seat(none), Seat::Nobody);
            assert!(!directory.put_seat(none, Seat::Here));
        }
        assert!(directory.is_all_here());
    }

    #[test]
    fn another_process_that_cannot_be_reached_is_none_to_pass_calls_on_to() {
        let mut directory = three();
        directory.put_seat(0, Seat::There("".into()));
        assert!(!directory.is_any_there());
        directory.put_seat(1, Seat::There("http://other".into()));
        assert!(directory.is_any_there());
    }
}
