//! The outbox at work: claim, send, mark. A notice leaves at least once, always under the same Message-ID; one that was
//! cancelled before it was claimed never leaves.

use chrono::Duration;
use weir_model::{AccountId, Call};
use weir_store::Tx;

use super::Collections;
use crate::{
    Error,
    channel::ChannelError,
    notice::{NoticeKind, NoticeState},
    record::NoticeRecord,
    store::{
        Notes, Page, accounts, cases,
        notices::{self, Lost, NoticeFilter},
    },
};

/// Notices sent in one step.
const STEP_MAX: usize = 16;
/// Lost notices taken back in one step.
const LOST_MAX: i64 = 16;
/// How long a claim lasts: longer than sending may take.
const CLAIM_MINUTES: i64 = 15;
/// Attempts before a notice is given up until the next run.
const ATTEMPTS_MAX: i64 = 8;
/// The pause after the first failed attempt, in seconds; doubles with each further one.
const FIRST_PAUSE_SECONDS: i64 = 30;
/// The longest reason kept, in characters.
const REASON_LENGTH_MAX: usize = 500;

impl Collections {
    /// Sends notices that are due; answers how many it handled. Other replicas may do the same at the same time.
    pub async fn send_step(&self) -> Result<usize, Error> {
        self.take_back_lost().await?;
        let claim = async |tx: &mut Tx| {
            let now = self.env.clock.now();
            notices::claim_in(tx, now, now + Duration::minutes(CLAIM_MINUTES)).await
        };
        let mut handled = 0;
        while handled < STEP_MAX {
            let Some(notice) = self.env.db.transact::<_, Error>(claim).await? else { break };
            let sent = self.inner.channel.send(&notice, &self.inner.settings.sender).await;
            self.env.db.transact(async |tx: &mut Tx| self.mark_in(tx, &notice, &sent).await).await?;
            handled += 1;
        }
        Ok(handled)
    }

    /// Notices whose sender went away wait again, if there still is something to ask for.
    async fn take_back_lost(&self) -> Result<(), Error> {
        for lost in notices::lost(&self.env.db, self.env.clock.now(), LOST_MAX).await? {
            self.env.db.transact(async |tx: &mut Tx| self.take_back_in(tx, &lost).await).await?;
        }
        Ok(())
    }

    async fn take_back_in(&self, tx: &mut Tx, lost: &Lost) -> Result<(), Error> {
        let call = self.internal("collections.send_notices", &lost.correlation_id);
        accounts::lock_in(tx, &lost.account_id, &lost.account_id).await?;
        let Some(version) = notices::take_back_in(tx, lost).await? else { return Ok(()) };
        let mut notes = Notes::default();
        let after = (NoticeState::Queued, "its sender was lost");
        notes.add(&call, "notice_not_sent", lost.notice_id.as_str(), version, (None, &after))?;
        notes.write_in(tx).await?;
        self.reconsider_in(tx, &call, lost.kind, &lost.account_id).await
    }

    pub(crate) async fn mark_in(
        &self,
        tx: &mut Tx,
        notice: &NoticeRecord,
        sent: &Result<(), ChannelError>,
    ) -> Result<(), Error> {
        let call = self.internal("collections.send_notices", &notice.correlation_id);
        let id = notice.notice_id.as_str();
        let mut notes = Notes::default();
        accounts::lock_in(tx, &notice.account_id, &notice.account_id).await?;
        match sent {
            Ok(()) => {
                let Some(version) = notices::sent_in(tx, notice, call.at).await? else { return Ok(()) };
                self.count_sent_in(tx, notice).await?;
                notes.add(&call, "notice_sent", id, version, (None, &NoticeState::Sent))?;
            }
            Err(error) => {
                let is_permanent = matches!(error, ChannelError::Permanent(_));
                let given_up = is_permanent || notice.attempts >= ATTEMPTS_MAX;
                let state = if given_up { NoticeState::Failed } else { NoticeState::Queued };
                // what can never be sent is rewritten before it is tried again: there is nothing to wait for
                let next = if is_permanent { call.at } else { call.at + pause_after(notice.attempts) };
                let reason: String = error.to_string().chars().take(REASON_LENGTH_MAX).collect();
                tracing::warn!(notice_id = id, attempts = notice.attempts, %error, "a notice could not be sent");
                let version = notices::unsendable_in(tx, notice, state, &reason, next).await?;
                let Some(version) = version else { return Ok(()) };
                notes.add(&call, "notice_not_sent", id, version, (None, &(state, reason)))?;
            }
        }
        notes.write_in(tx).await?;
        if sent.is_err() {
            self.reconsider_in(tx, &call, notice.kind, &notice.account_id).await?;
        }
        Ok(())
    }

    /// What a notice asks for may have been paid while it was on its way: one that comes back is brought up to date, or
    /// cancelled, before it can leave again. Hold notices say what was; they stay.
    async fn reconsider_in(
        &self,
        tx: &mut Tx,
        call: &Call,
        kind: NoticeKind,
        account_id: &AccountId,
    ) -> Result<(), Error> {
        match kind {
            NoticeKind::Debtor => self.look_again_in(tx, call, account_id).await,
            NoticeKind::HoldFinanceManager | NoticeKind::HoldSalesHead => Ok(()),
        }
    }

    /// What was sent counts: the items listed have reached its stage, and the interval to the next begins.
    async fn count_sent_in(&self, tx: &mut Tx, notice: &NoticeRecord) -> Result<(), Error> {
        for item in &notice.listed {
            let day = item.reached_day.unwrap_or(item.days_past_due);
            accounts::reached_in(tx, &notice.account_id, &item.item_id, day).await?;
        }
        if let Some(total) = notice.total {
            accounts::notified_in(tx, &notice.account_id, total.currency(), notice.business_date).await?;
        }
        if let Some(case_id) = &notice.case_id {
            cases::notified_in(tx, case_id, notice.business_date).await?;
        }
        Ok(())
    }

    /// Notices, newest first.
    pub async fn list_notices(
        &self,
        filter: &NoticeFilter,
        page: &Page<notices::Key>,
    ) -> Result<Vec<NoticeRecord>, Error> {
        notices::list(&self.env.db, filter, page).await
    }
}

/// The pause after so many attempts in vain.
fn pause_after(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, ATTEMPTS_MAX) - 1).unwrap_or(0);
    Duration::seconds(FIRST_PAUSE_SECONDS * 2_i64.pow(doublings))
}
