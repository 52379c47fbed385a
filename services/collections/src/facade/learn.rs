//! What other contexts tell: debts, held orders, grades. Each takes effect in the transaction of its bookmark, at most
//! once however often it comes.

use weir_model::{AccountId, Call, CorrelationId, HoldId, Money};
use weir_store::Tx;

use super::{Collections, desk::Work};
use crate::{
    Error,
    item::Item,
    notice::{NoticeKind, NoticeState},
    record::{NoticeRecord, PromiseRecord, RunCounts},
    run::Occasion,
    store::{Notes, accounts, notices, promises, runs, strategies},
    strategy::Grade,
    template::HoldStory,
};

/// What receivables told of a debt: the items that were touched, as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionLearned {
    /// The account.
    pub account_id: AccountId,
    /// Goes up with each change.
    pub version: i64,
    /// Credit that is not allocated yet.
    pub credit: Money,
    /// The items.
    pub items: Vec<Item>,
    /// What the change belongs to.
    pub correlation_id: CorrelationId,
}

/// What the gate told of an order it holds.
#[derive(Debug, Clone)]
pub struct HeldOrder {
    /// The hold.
    pub hold_id: HoldId,
    /// The account.
    pub account_id: AccountId,
    /// What the notices say.
    pub story: HoldStory,
    /// What the order belongs to.
    pub correlation_id: CorrelationId,
}

impl Collections {
    /// Takes in what is owed now; re-anchors, cancels and closes at once.
    pub(crate) async fn learn_position_in(&self, tx: &mut Tx, learned: &PositionLearned) -> Result<(), Error> {
        let account_id = &learned.account_id;
        accounts::ensure_in(tx, account_id).await?;
        accounts::lock_in(tx, account_id, account_id).await?;
        if !accounts::save_debt_in(tx, account_id, learned.version, learned.credit).await? {
            return Ok(());
        }
        for item in &learned.items {
            accounts::save_item_in(tx, account_id, item).await?;
        }
        let call = self.internal("collections.follow_receivables", &learned.correlation_id);
        self.count_promises_in(tx, &call, learned).await?;
        let policy = strategies::policy_in(tx).await?;
        let date = runs::newest_in(tx).await?.unwrap_or(call.today);
        let work = Work { call: &call, policy: &policy, date, occasion: Occasion::Change };
        self.work_in(tx, &work, (account_id, account_id), &mut RunCounts::default()).await
    }

    /// Counts what came in towards promises.
    async fn count_promises_in(&self, tx: &mut Tx, call: &Call, learned: &PositionLearned) -> Result<(), Error> {
        let mut notes = Notes::default();
        for before in promises::open_in(tx, &learned.account_id, &learned.account_id).await? {
            let Some(item) = learned.items.iter().find(|item| item.item_id == before.promise.item_id) else { continue };
            let received = before.promise.received_by(item, call.today)?;
            if received != before.promise.received {
                let mut after: PromiseRecord = before.clone();
                after.promise.received = received;
                after.version = promises::save_in(tx, &after).await?;
                let subject = after.promise.promise_id.as_str();
                notes.add(call, "promise_counted", subject, after.version, (Some(&before), &after))?;
            }
        }
        notes.write_in(tx).await
    }

    /// Queues one notice each to the finance manager and the head of sales, once a hold.
    pub(crate) async fn learn_hold_in(&self, tx: &mut Tx, held: &HeldOrder) -> Result<(), Error> {
        let call = self.internal("collections.follow_order_gate", &held.correlation_id);
        let internal = &self.inner.settings.internal;
        let recipients = [
            (NoticeKind::HoldFinanceManager, &internal.finance_manager),
            (NoticeKind::HoldSalesHead, &internal.sales_head),
        ];
        let mut notes = Notes::default();
        for (kind, recipients) in recipients.into_iter().filter(|(_, recipients)| !recipients.is_empty()) {
            let notice_id: weir_model::NoticeId = self.env.ids.next();
            let notice = NoticeRecord {
                message_id: format!("{notice_id}@{}", self.inner.settings.message_domain),
                notice_id,
                kind,
                account_id: held.account_id.clone(),
                case_id: None,
                hold_id: Some(held.hold_id.clone()),
                stage: 0,
                tone: None,
                anchor_item_id: None,
                business_date: call.today,
                state: NoticeState::Queued,
                recipients: recipients.clone(),
                language: internal.language,
                content: self.inner.templates.hold(internal.language, &held.story)?,
                listed: Vec::new(),
                total: None,
                correlation_id: held.correlation_id.clone(),
                attempts: 0,
                next_attempt_at: call.at,
                state_reason: String::new(),
                created_at: call.at,
                sent_at: None,
                version: 1,
            };
            // the hold's notice to this recipient is there for ever: a replay or a later change finds it
            if notices::insert_in(tx, &notice).await? {
                notes.add(&call, "notice_queued", notice.notice_id.as_str(), 1, (None, &notice.brief()))?;
            }
        }
        notes.write_in(tx).await
    }

    /// Takes in an account's grade; the next run follows the strategy for it.
    pub(crate) async fn learn_grade_in(
        &self,
        tx: &mut Tx,
        account_id: &AccountId,
        grade: Option<Grade>,
        version: i64,
    ) -> Result<(), Error> {
        accounts::ensure_in(tx, account_id).await?;
        accounts::save_grade_in(tx, account_id, grade, version).await?;
        Ok(())
    }

    /// A call nobody made.
    pub(super) fn internal(&self, job: &'static str, correlation_id: &CorrelationId) -> Call {
        Call::internal(job, correlation_id.clone(), self.env.clock.now(), self.env.clock.today())
    }
}
