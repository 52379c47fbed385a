//! A draft policy run over past decisions, read from the journal bit by bit.

use std::sync::Arc;

use chrono::NaiveDate;
use futures::stream::BoxStream;

use super::OrderGate;
use crate::decision::{Decision, Verdict};
use crate::error::Error;
use crate::policy::Policy;
use crate::simulation::Tally;

/// What a simulation tells on its way.
#[derive(Debug, Clone)]
pub(crate) enum Simulated {
    /// How far the journal has been read, and how far it will be.
    Progress {
        /// The last position read.
        position: i64,
        /// The last position there is to read.
        last: i64,
        /// What was found so far.
        tally: Tally,
    },
    /// A decision that would go the other way.
    Change {
        /// As it was made.
        was: Box<Decision>,
        /// What would be said.
        would_be: Box<Verdict>,
    },
    /// The end.
    Done(Tally),
}

impl OrderGate {
    /// Asks the decisions of some business dates again under a draft policy, as far back as the journal is kept; ends
    /// early when nobody listens.
    pub(crate) fn simulate(
        self: &Arc<Self>,
        draft: Policy,
        (from, to): (Option<NaiveDate>, Option<NaiveDate>),
    ) -> BoxStream<'static, Result<Simulated, Error>> {
        let gate = Arc::clone(self);
        Box::pin(async_stream::try_stream! {
            let last = gate.journal.head().await?;
            let (mut tally, mut position) = (Tally::default(), 0);
            while position < last {
                let entries = gate.journal.read(position).await?;
                let Some(end) = entries.last().map(|entry| entry.position) else { break };
                for entry in entries {
                    if entry.kind != "decision_recorded" || entry.position > last {
                        continue;
                    }
                    let decision: Decision = entry.after_as()?;
                    let date = decision.business_date;
                    if from.is_some_and(|from| date < from) || to.is_some_and(|to| date > to) {
                        continue;
                    }
                    if let Some(would_be) = tally.take(&decision, &draft)? {
                        yield Simulated::Change { was: Box::new(decision), would_be: Box::new(would_be) };
                    }
                }
                position = end.min(last);
                yield Simulated::Progress { position, last, tally: tally.clone() };
            }
            yield Simulated::Done(tally);
        })
    }
}
