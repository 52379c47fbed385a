//! How often each caller may call: a bucket of calls a subject, refilled at a steady rate.
//!
//! Knows subjects and nothing of what they call. A bucket that is full again is forgotten, so what is kept is bounded by
//! the callers there are in the time it takes to fill one.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use weir_model::{Fault, Principal, Role, SubjectId};

use super::answer;

/// Calls between two looks for buckets that are full again: a look takes as long as there are callers.
const TIDY_EVERY: usize = 4_096;

/// What is left of each caller's calls.
#[derive(Debug)]
pub(crate) struct Rates<C: Clock = DefaultClock> {
    buckets: RateLimiter<SubjectId, HashMapStateStore<SubjectId>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    calls: AtomicUsize,
}

impl<C: Clock + Clone> Rates<C> {
    /// So many calls a second on average, and so many at once.
    pub(crate) fn new(per_second: NonZeroU32, burst: NonZeroU32, clock: C) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let buckets = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Rates { buckets, clock, calls: AtomicUsize::new(0) }
    }

    /// Takes one call from a caller's bucket; where there is none left, says when there is. Processes of this system are
    /// not counted: how much they call follows from what others call.
    pub(crate) fn take(&self, caller: &Principal) -> Result<(), Fault> {
        if caller.has(Role::Service) {
            return Ok(());
        }
        if self.calls.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
        let refused = |refused: governor::NotUntil<C::Instant>| refused.wait_time_from(self.clock.now());
        self.buckets.check_key(&caller.subject).map_err(|until| answer::too_often(refused(until)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;
    use weir_model::{Kind, Reason};

    use super::*;

    fn caller(name: &str, role: Role) -> Principal {
        Principal::new(SubjectId::parse(name).unwrap(), [role])
    }

    /// Two calls a second, three at once.
    fn rates(clock: &FakeRelativeClock) -> Rates<FakeRelativeClock> {
        let number = |number| NonZeroU32::new(number).unwrap();
        Rates::new(number(2), number(3), clock.clone())
    }

    #[test]
    fn a_burst_passes_and_one_call_more_is_told_how_long_to_wait() {
        let clock = FakeRelativeClock::default();
        let (rates, ada) = (rates(&clock), caller("ada", Role::Viewer));
        for _ in 0..3 {
            rates.take(&ada).unwrap();
        }
        let refused = rates.take(&ada).unwrap_err();
        assert_eq!((refused.kind, refused.reason), (Kind::ResourceExhausted, Reason::RateExceeded));
        assert_eq!(refused.retry_after, Some(Duration::from_millis(500)));
    }

    #[test]
    fn whoever_waits_as_told_is_let_in_for_one_call() {
        let clock = FakeRelativeClock::default();
        let (rates, ada) = (rates(&clock), caller("ada", Role::Viewer));
        while rates.take(&ada).is_ok() {}
        clock.advance(rates.take(&ada).unwrap_err().retry_after.unwrap());
        assert!(rates.take(&ada).is_ok());
        assert!(rates.take(&ada).is_err());
    }

    #[test]
    fn each_caller_has_a_bucket_of_its_own() {
        let clock = FakeRelativeClock::default();
        let rates = rates(&clock);
        while rates.take(&caller("ada", Role::Viewer)).is_ok() {}
        assert!(rates.take(&caller("bob", Role::Viewer)).is_ok());
    }

    #[test]
    fn processes_of_the_system_are_not_counted() {
        let clock = FakeRelativeClock::default();
        let (rates, limits) = (rates(&clock), caller("limits", Role::Service));
        assert!((0..100).all(|_| rates.take(&limits).is_ok()));
    }

    #[test]
    fn callers_whose_buckets_are_full_again_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let rates = rates(&clock);
        for number in 0..TIDY_EVERY - 1 {
            rates.take(&caller(&format!("caller-{number}"), Role::Viewer)).unwrap();
        }
        assert_eq!(rates.buckets.len(), TIDY_EVERY - 1);
        clock.advance(Duration::from_secs(2));
        rates.take(&caller("ada", Role::Viewer)).unwrap();
        assert_eq!(rates.buckets.len(), 1);
    }
}
