//! Which process decides about what a call names.

use std::time::Duration;

use weir_model::HoldId;

use super::OrderGate;
use crate::engine::COMMON;
use crate::error::Error;
use crate::ownership::{Directory, Seat};
use crate::store;

/// How long a call waits for a partition that changes hands.
const PATIENCE: Duration = Duration::from_millis(250);

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About<'a> {
    /// An account.
    Account(&'a str),
    /// An order, of whichever account.
    Order(&'a str),
    /// A hold, of whichever account.
    Hold(&'a str),
    /// What all processes go by.
    Common,
}

impl OrderGate {
    /// Who decides about what a call names.
    pub(crate) async fn seat_of(&self, about: About<'_>) -> Result<Seat, Error> {
        let account_id = match about {
            About::Common => return Ok(self.engine.seat_of(|_| COMMON, PATIENCE).await),
            About::Account(account_id) => account_id.to_owned(),
            // one that is answered anyway, whoever does
            About::Order(_) | About::Hold(_) if self.engine.directory(Directory::is_all_here) => {
                return Ok(Seat::Here);
            }
            About::Order(order_id) => match store::account_of(&self.env.db, order_id).await? {
                Some(Some(account_id)) => account_id.to_string(),
                // of which no account is known
                _ => return Ok(self.engine.seat_of(|directory| directory.named_by(order_id), PATIENCE).await),
            },
            About::Hold(hold_id) => {
                let Ok(hold_id) = HoldId::parse(hold_id) else { return Ok(Seat::Here) };
                match store::hold(&self.env.db, &hold_id).await? {
                    Some(hold) => hold.order.account_id.to_string(),
                    None => return Ok(Seat::Here),
                }
            }
        };
        Ok(self.engine.seat_of(|directory| directory.home(&account_id), PATIENCE).await)
    }

    /// Who decides for an account, as far as is known now.
    pub(crate) fn seat_of_account(&self, account_id: &str) -> Seat {
        self.engine.directory(|directory| directory.seat(directory.home(account_id)).clone())
    }
}
