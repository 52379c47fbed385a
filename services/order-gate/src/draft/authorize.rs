//! Orders on their way: authorise and amend, cancel, deliver.

use std::sync::Arc;

use chrono::NaiveDate;
use weir_model::{Call, CorrelationId, Currency, DeliveryId, LineId, OrderId};

use super::{Draft, Settled, call_for};
use crate::check::{Checked, check};
use crate::decision::Outcome;
use crate::dossier::{Answered, Delivery, Dossier};
use crate::error::Error;
use crate::hold::Hold;
use crate::order::{Content, Order};
use crate::rules::Grace;

/// Asks for an order to pass.
#[derive(Debug, Clone)]
pub(crate) struct Authorize {
    pub(crate) order: Order,
    pub(crate) business_date: NaiveDate,
    /// The order must be known: a new revision of it.
    pub(crate) must_be_known: bool,
}

/// Takes back what is not delivered.
#[derive(Debug, Clone)]
pub struct Cancel {
    /// The order.
    pub order_id: OrderId,
    /// Up to how much of which lines, in all; everything when empty.
    pub lines: Vec<(LineId, Currency, i64)>,
}

/// Counts a delivery.
#[derive(Debug, Clone)]
pub struct Deliver {
    /// The order.
    pub order_id: OrderId,
    /// The delivery document.
    pub delivery_id: DeliveryId,
    /// Currency of the amounts.
    pub currency: Currency,
    /// What it brought of which lines.
    pub lines: Vec<(LineId, i64)>,
}

impl Draft<'_> {
    /// Checks an order and reserves it, or holds it; once per revision.
    pub(crate) fn authorize(&mut self, call: &Call, ask: &Authorize) -> Result<Settled, Error> {
        let order = &ask.order;
        self.holding(&order.account_id)?;
        let known = self.dossier(&order.order_id).cloned();
        let content = order.content();
        match known.as_ref().and_then(|dossier| dossier.answer_to(order.revision)) {
            Some(before) if before.content == content => {
                let (given_before, position) = (Some(before.decision_id.clone()), self.position());
                return Ok(Settled { given_before, position, ..Settled::default() });
            }
            Some(_) => return Err(Error::IdempotencyMismatch("the order's revision")),
            None => {}
        }
        match known.as_ref().and_then(|dossier| dossier.answered.as_ref()) {
            Some(a) if a.revision > order.revision => return Err(Error::RevisionConflict { newest: a.revision }),
            None if ask.must_be_known => return Err(Error::not_found("order", &order.order_id)),
            _ => {}
        }
        if self.holding_order(known.as_deref()).is_err() {
            return Err(Error::WrongState(
                "the order is of an account another process decides for; cancel it and ask under another id",
            ));
        }
        let now = self.now(call, ask.business_date);
        let checked = check(self, known.as_deref(), order, now)?;

        // the first decision names what the order belongs to, whatever was known of its lines before
        let call = call_for(call, known.as_deref().filter(|known| known.answered.is_some()));
        let mut dossier = match &known {
            Some(known) => Dossier { correlation_id: call.correlation_id.clone(), ..Dossier::clone(known) },
            None => Dossier::new(order.order_id.clone(), call.correlation_id.clone()),
        };
        let payer_before = dossier.counts_for().map(|(account_id, _)| account_id.clone());
        let settled = self.answer(&call, &mut dossier, ask, checked, content);
        // a smaller order, or one that moved to another account, leaves room
        let freed = payer_before.into_iter().chain([order.account_id.clone()]).filter(|_| known.is_some());
        self.recheck_held(&call, freed, call.today);
        Ok(settled)
    }

    fn answer(
        &mut self,
        call: &Arc<Call>,
        dossier: &mut Dossier,
        ask: &Authorize,
        checked: Checked,
        content: Content,
    ) -> Settled {
        let Checked { verdict, grace, release } = checked;
        let order = &ask.order;
        let decision_id = self.ids.next::<weir_model::DecisionId>();
        let passes = verdict.outcome.passes();
        let circumstances = self.circumstances(call, order, ask.business_date);
        let hold = (verdict.outcome == Outcome::Hold).then(|| {
            let ids = (self.ids.next(), decision_id.clone());
            let roles = self.policy.policy.hold_notice_roles.clone();
            let found = (&verdict, circumstances.currency.unwrap_or(order.currency));
            Hold::new(ids, order.clone(), found, roles, (call.at, dossier.correlation_id.clone()))
        });
        let mut decision = circumstances.decision(order, verdict);
        decision.decision_id = Some(decision_id.clone());
        decision.hold_id = hold.as_ref().map(|hold| hold.hold_id.clone());
        self.record(call, &decision);
        dossier.answer(Answered { revision: order.revision, content, decision_id, passes });
        let superseded = std::mem::replace(&mut dossier.waiting, hold.clone().map(Box::new));
        if passes {
            let release = release.filter(|_| grace != Grace::None);
            dossier.pass(order.clone(), release, ask.business_date);
        }
        let commitment = self.put(call, dossier.clone());
        if let Some(before) = superseded {
            let mut lapsed = before.clone();
            if lapsed.lapse(call.at).is_ok() {
                self.note_hold(call, Some(&before), &lapsed);
            }
        }
        if let Some(hold) = &hold {
            self.note_hold(call, None, hold);
        }
        Settled { decision: Some(decision), hold, commitment, position: self.position(), ..Settled::default() }
    }

    /// Takes back what is not delivered.
    pub(crate) fn cancel(&mut self, call: &Call, ask: &Cancel) -> Result<Settled, Error> {
        let known = self.dossier(&ask.order_id).cloned();
        self.holding_order(known.as_deref())?;
        let Some(known) = known.filter(|dossier| dossier.passed.is_some() || dossier.waiting.is_some()) else {
            return self.cancel_of_nothing(ask);
        };
        let call = call_for(call, Some(&known));
        let mut dossier = Dossier::clone(&known);
        let mut lapsed = None;
        if ask.lines.is_empty() {
            dossier.cancel_all();
            lapsed = dossier.waiting.take();
        }
        for (line_id, currency, amount) in &ask.lines {
            let Some((_, counts_in)) = dossier.counts_for() else {
                return Err(Error::WrongState("the order is held; amend it or cancel it whole"));
            };
            // it would take the place of what counts, and the cancellation would be lost
            if dossier.waiting.is_some() {
                return Err(Error::WrongState("a newer revision is held; amend it or cancel the order whole"));
            }
            if counts_in != *currency {
                return Err(Error::CurrencyMismatch { order: counts_in, given: *currency });
            }
            if !dossier.cancel_line(line_id, *amount) {
                return Err(Error::not_found("line", line_id));
            }
        }
        if dossier == *known {
            return Ok(Settled { commitment: known.commitment(), position: self.position(), ..Settled::default() });
        }
        let account_id = dossier.account_id().or(known.account_id()).cloned();
        let commitment = self.put(&call, dossier);
        if let Some(before) = lapsed {
            let mut hold = before.clone();
            if hold.lapse(call.at).is_ok() {
                self.note_hold(&call, Some(&before), &hold);
            }
        }
        let position = self.position();
        self.recheck_held(&call, account_id, call.today);
        Ok(Settled { commitment, position, ..Settled::default() })
    }

    /// A whole order whose holds all ended can be cancelled again and again; anything else is unknown.
    fn cancel_of_nothing(&self, ask: &Cancel) -> Result<Settled, Error> {
        let decided = self.dossier(&ask.order_id).is_some_and(|dossier| dossier.answered.is_some());
        if decided && ask.lines.is_empty() {
            Ok(Settled { position: self.position(), ..Settled::default() })
        } else {
            Err(Error::not_found("order", &ask.order_id))
        }
    }

    /// Counts a delivery, once; keeps it where the order is not known yet.
    pub(crate) fn deliver(&mut self, call: &Call, ask: &Deliver) -> Result<Settled, Error> {
        let known = self.dossier(&ask.order_id).cloned();
        self.holding_order(known.as_deref())?;
        let call = call_for(call, known.as_deref());
        let correlation_id: CorrelationId = call.correlation_id.clone();
        let mut dossier = match &known {
            Some(known) => Dossier::clone(known),
            None => Dossier::new(ask.order_id.clone(), correlation_id),
        };
        if let Some((_, counts_in)) = dossier.counts_for()
            && counts_in != ask.currency
        {
            return Err(Error::CurrencyMismatch { order: counts_in, given: ask.currency });
        }
        let mut lines: Vec<_> = ask.lines.iter().map(|(line_id, amount)| (line_id.as_str(), *amount)).collect();
        lines.sort_unstable();
        let content = Content::of(&(ask.currency, lines));
        match dossier.deliveries.iter().find(|delivery| delivery.delivery_id == ask.delivery_id) {
            Some(delivery) if delivery.content == content => {
                let commitment = dossier.commitment();
                return Ok(Settled { commitment, position: self.position(), ..Settled::default() });
            }
            Some(_) => return Err(Error::IdempotencyMismatch("the delivery")),
            None => {}
        }
        for (line_id, amount) in &ask.lines {
            dossier.deliver(line_id, ask.currency, *amount)?;
        }
        dossier.deliveries.push(Delivery { delivery_id: ask.delivery_id.clone(), content });
        let commitment = self.put(&call, dossier);
        Ok(Settled { commitment, position: self.position(), ..Settled::default() })
    }
}
