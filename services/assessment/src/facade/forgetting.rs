//! Forgetting how accounts behaved so long ago that no assessment tells the days apart any more.

use chrono::NaiveDate;
use weir_model::{AccountId, Currency, add_days};
use weir_store::Tx;

use crate::{Assessment, error::Result, store};

/// Days back from today for which an assessment as of a date knows what was known on that very date: the last financial
/// year and its audit, for which journals are kept as long by default.
pub const BEHAVIOUR_DAYS_KEPT: i64 = 550;

/// Accounts looked at in one step, and in one transaction: few enough that writers on SQLite hardly notice.
const ACCOUNTS_MAX: i64 = 100;

/// How far the forgetting of a business date has come. Not kept: a process that starts begins anew, and finds nothing.
#[derive(Debug, Default)]
pub(crate) struct Forgetting {
    date: Option<NaiveDate>,
    after: Option<(AccountId, Currency)>,
    done: bool,
}

impl Assessment {
    /// Forgets what the business date lets be forgotten of some accounts: of each only what was known last by
    /// [`BEHAVIOUR_DAYS_KEPT`] days ago stays, and every day since. Answers how many accounts; 0 when all is done.
    pub async fn step(&self) -> Result<usize> {
        let today = self.env.clock.today();
        let Some(horizon) = add_days(today, -BEHAVIOUR_DAYS_KEPT) else { return Ok(0) };
        let mut forgetting = self.forgetting.lock().await;
        if forgetting.date != Some(today) {
            *forgetting = Forgetting { date: Some(today), ..Forgetting::default() };
        }
        if forgetting.done {
            return Ok(0);
        }
        let found = store::behaviours_to_forget(&self.env.db, horizon, forgetting.after.as_ref(), ACCOUNTS_MAX).await?;
        let forget = async |tx: &mut Tx| store::forget_behaviours_in(tx, &found, horizon).await;
        self.env.db.transact(forget).await?;
        forgetting.done = found.is_empty();
        let count = found.len();
        forgetting.after = found.into_iter().next_back();
        Ok(count)
    }
}
