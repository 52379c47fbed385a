//! One order against its account: which rules may stop it at all, what is left out of the exposure, what the rules say.
//! The same for a mere check and for a decision. Pure.

use std::cmp::Ordering;

use chrono::NaiveDate;
use weir_model::{CorrelationId, Currency};

use crate::decision::{Ages, Decision, Followed, Verdict};
use crate::dossier::Dossier;
use crate::error::Error;
use crate::hold::Release;
use crate::order::Order;
use crate::question::{Asked, Own, View};
use crate::rules::{self, Grace};

/// What the rules say of an order, and the release that goes on covering it.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) verdict: Verdict,
    pub(crate) grace: Grace,
    pub(crate) release: Option<Release>,
}

/// When an order is checked, and how old what is known is then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) today: NaiveDate,
    pub(crate) ages: Ages,
}

/// Asks the rules about an order, leaving out of the exposure what it reserves already.
pub(crate) fn check(view: &impl View, dossier: Option<&Dossier>, order: &Order, now: Now) -> Result<Checked, Error> {
    let (grace, release) = grace(dossier, order, now.today)?;
    let verdict = check_with(view, dossier, order, (now, grace))?;
    Ok(Checked { verdict, grace, release })
}

/// The same with the grace given.
pub(crate) fn check_with(
    view: &impl View,
    dossier: Option<&Dossier>,
    order: &Order,
    (now, grace): (Now, Grace),
) -> Result<Verdict, Error> {
    let own = dossier.and_then(|dossier| Some((dossier, dossier.counts_for()?)));
    let held = dossier.and_then(|dossier| dossier.waiting.as_ref());
    let lines = dossier.map_or_else(|| order.untouched_lines(), |dossier| dossier.lines_with(order));
    let asked = Asked {
        lines: &lines,
        order,
        own: own.map(|(dossier, (account_id, currency))| Own {
            account_id,
            currency,
            reserved: dossier.reserved(),
            ship_date: dossier.ship_date(),
            passed: dossier.passed_order(),
        }),
        was_forced: held.is_some_and(|hold| hold.order.revision == order.revision && hold.is_forced()),
        now,
        grace,
    };
    asked.judged(view, rules::decide)
}

/// Decreases never re-hold, as long as the order is not further on its way: each checkpoint asks anew. A release covers
/// what it was given for, until the order is cancelled or runs out: one opened again is checked again (rule 5.6).
fn grace(dossier: Option<&Dossier>, order: &Order, today: NaiveDate) -> Result<(Grace, Option<Release>), Error> {
    let Some((dossier, passed)) = dossier.and_then(|d| d.passed.as_ref().map(|passed| (d, passed))) else {
        return Ok((Grace::None, None));
    };
    let release = passed.release.as_ref().filter(|_| !dossier.is_closed());
    let same = passed.order.account_id == order.account_id
        && passed.order.currency == order.currency
        && passed.order.terms_days == order.terms_days;
    let amends = order.revision > passed.order.revision && order.checkpoint <= passed.order.checkpoint;
    if same && amends {
        match dossier.reserved_with(order).credit_needed().cmp(&dossier.reserved().credit_needed()) {
            Ordering::Less => return Ok((Grace::Decrease, release.cloned())),
            Ordering::Equal => return Ok((Grace::Unchanged, release.cloned())),
            Ordering::Greater => {}
        }
    }
    match release {
        Some(release) if release.covers(&passed.order, order, today)? => Ok((Grace::Released, Some(release.clone()))),
        _ => Ok((Grace::None, None)),
    }
}

/// What a decision is made under: everything beside the order and the verdict.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    /// Of the account's limits; none where there are none.
    pub(crate) currency: Option<Currency>,
    pub(crate) policy_version: i64,
    pub(crate) limit_version: i64,
    pub(crate) based_on: Followed,
    pub(crate) staleness_ms: i64,
    pub(crate) business_date: NaiveDate,
    pub(crate) decided_at: chrono::DateTime<chrono::Utc>,
    pub(crate) correlation_id: CorrelationId,
}

impl Circumstances {
    /// The decision a verdict makes under these circumstances; without id and hold.
    pub(crate) fn decision(self, order: &Order, verdict: Verdict) -> Decision {
        let currency = self.currency.unwrap_or(order.currency);
        Decision {
            decision_id: None,
            order_id: order.order_id.clone(),
            revision: order.revision,
            account_id: order.account_id.clone(),
            currency,
            order_currency: (order.currency != currency).then_some(order.currency),
            checkpoint: order.checkpoint,
            verdict,
            policy_version: self.policy_version,
            limit_version: self.limit_version,
            based_on: self.based_on,
            staleness_ms: self.staleness_ms,
            business_date: self.business_date,
            decided_at: self.decided_at,
            hold_id: None,
            correlation_id: self.correlation_id,
        }
    }
}
