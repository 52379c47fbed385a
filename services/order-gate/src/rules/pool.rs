//! What a group's members owe together, against its pool (rule 3.4).

use rust_decimal::Decimal;

use super::{Case, Found, PoolAsked};
use crate::decision::{Foreign, PoolSeen};
use crate::exposure::{Exposure, Overflow};
use crate::fx::{exact_product, exact_sum, rounded_up};
use crate::policy::Rule;

/// Each pool without the order and with it.
pub(super) fn seen(
    pools: &[PoolAsked],
    (before, after): (&Exposure, &Exposure),
    foreign: &[Foreign],
) -> Result<Vec<PoolSeen>, Overflow> {
    let total = |pool: &PoolAsked, at_home: &Exposure, of: fn(&Foreign) -> &Exposure| {
        together((pool.others, &pool.factors), at_home, foreign.iter().map(of))
    };
    let pools = pools.iter().map(|pool| {
        Ok(PoolSeen {
            group_id: pool.group_id.clone(),
            limit: pool.limit,
            others: pool.others,
            factors: pool.factors.to_vec(),
            before: total(pool, before, |foreign| &foreign.before)?,
            after: total(pool, after, |foreign| &foreign.after)?,
        })
    });
    pools.collect()
}

/// What an account and others owe together, rounded up once: theirs is converted already, what it owes at home and abroad
/// is converted by factors in that order.
pub(super) fn together<'a>(
    (others, factors): (Decimal, &[Decimal]),
    at_home: &'a Exposure,
    abroad: impl Iterator<Item = &'a Exposure>,
) -> Result<i64, Overflow> {
    let owed = std::iter::once(at_home).chain(abroad).map(Exposure::whole);
    let mut sum = others;
    for (owed, factor) in owed.zip(factors) {
        sum = exact_sum(sum, exact_product(owed, *factor)?)?;
    }
    rounded_up(sum)
}

impl Case<'_> {
    pub(super) fn pools(&self, found: &mut Vec<Found>) {
        let Some(row) = self.row(Rule::GroupPoolExceeded) else { return };
        for pool in &self.pools {
            if row.comparator.passes(pool.after, pool.limit.minor()) {
                continue;
            }
            let message = format!("exposure of group {} with the order exceeds its pool", pool.group_id);
            let failure = Found::amounts(row, pool.after, pool.limit.minor(), message);
            let is_same = pool.limit.currency() == self.question.currency;
            found.push(Found {
                // how much of another currency that is cannot be told exactly: all the order asks for
                excess: if is_same { failure.excess.min(self.required) } else { self.required },
                group_id: Some(pool.group_id.clone()),
                currency: (!is_same).then(|| pool.limit.currency()),
                ..failure
            });
        }
    }
}
