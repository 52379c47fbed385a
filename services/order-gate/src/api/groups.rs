//! Pools, countries and other currencies, written to messages.

use rust_decimal::Decimal;
use weir_model::{Currency, GroupId, Money};
use weir_wire::{
    emit::{decimal, money},
    order_gate::v1 as wire,
};

use super::emit;
use crate::decision::{CountrySeen, Foreign, PoolSeen};
use crate::fx;

/// What is owed in another currency than the one given.
pub(super) fn foreign(foreign: &Foreign, currency: Currency) -> wire::ForeignExposure {
    let rate: Decimal = fx::in_major_units(foreign.factor, foreign.currency, currency);
    wire::ForeignExposure {
        exposure_before: Some(emit::exposure(&foreign.before, foreign.currency)),
        exposure_after: Some(emit::exposure(&foreign.after, foreign.currency)),
        rate: Some(decimal(rate)),
    }
}

pub(super) fn pool(pool: &PoolSeen) -> wire::PoolExposure {
    let amount = |minor| Some(money(Money::new(minor, pool.limit.currency())));
    wire::PoolExposure {
        group_id: pool.group_id.to_string(),
        pool_limit: Some(money(pool.limit)),
        exposure_before: amount(pool.before),
        exposure_after: amount(pool.after),
        headroom: amount(pool.headroom()),
    }
}

pub(super) fn country(seen: &CountrySeen) -> wire::CountryExposure {
    let amount = |minor| Some(money(Money::new(minor, seen.currency)));
    wire::CountryExposure {
        country_code: seen.country.to_string(),
        cap: seen.cap.and_then(amount),
        exposure_before: amount(seen.before),
        exposure_after: amount(seen.after),
        headroom: seen.headroom().and_then(amount),
    }
}

pub(super) fn inherited((group_id, reason): (GroupId, String)) -> wire::InheritedStop {
    wire::InheritedStop { group_id: group_id.to_string(), reason }
}
