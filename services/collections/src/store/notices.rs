//! The outbox: notices from queued to sent, and what was sent exactly as it read.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{AccountId, CaseId, CorrelationId, Currency, HoldId, ItemId, NoticeId};
use weir_store::{Db, Id, Instant, Json, Tx};

use super::{Page, known, money};
use crate::{
    Error,
    notice::{Language, Listed, NoticeKind, NoticeState, Unsent, UnsentState},
    record::{Content, NoticeRecord},
    strategy::Tone,
};

#[cfg(test)]
pub(crate) use sql::ALL;
mod sql {
    weir_store::queries! {
        INSERT = "
            insert into notices (notice_id, kind, account_id, currency, case_id, hold_id, stage, tone, anchor_item_id,
                business_date, state, recipients, language, template, template_version, subject, body_text, body_html,
                listed, total, message_id, correlation_id, attempts, next_attempt_at, state_reason, created_at, version)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                $22, $23, $24, $25, $26, $27)
            on conflict do nothing";
        // only while it waits: one on its way is beyond recall. The pause after an attempt in vain goes on; one that was
        // given up gets its attempts anew
        REPLACE = "
            update notices set stage = $2, tone = $3, anchor_item_id = $4, business_date = $5, state = 'queued',
                recipients = $6, language = $7, template = $8, template_version = $9, subject = $10, body_text = $11,
                body_html = $12, listed = $13, total = $14,
                attempts = case when state = 'failed' then 0 else attempts end,
                next_attempt_at = case when next_attempt_at > $15 then next_attempt_at else $15 end,
                state_reason = '', version = version + 1
            where notice_id = $1 and state in ('queued', 'failed') returning attempts, next_attempt_at, version";
        CANCEL = "
            update notices set state = 'cancelled', state_reason = $2, version = version + 1
            where notice_id = $1 and state in ('queued', 'failed') returning version";
        UNSENT = "
            select account_id, currency, notice_id, case_id, state, stage, anchor_item_id, business_date, listed
            from notices
            where kind = 'debtor' and state in ('queued', 'sending', 'failed')
                and account_id >= $1 and account_id <= $2";
        // the index knows both states
        CLAIM = "
            with due as " pg("materialized ") "(select notice_id as due_id from notices
                where state in ('queued', 'sending') and state = 'queued' and next_attempt_at <= $1
                order by next_attempt_at, notice_id limit 1" pg(" for update skip locked") ")
            update notices set state = 'sending', next_attempt_at = $2, attempts = attempts + 1, version = version + 1
            where notice_id in (select due_id from due)
            returning notice_id";
        // those on their way whose sender went away
        LOST = "
            select notice_id, account_id, kind, correlation_id, attempts from notices
            where state in ('queued', 'sending') and state = 'sending' and next_attempt_at <= $1
            order by next_attempt_at, notice_id limit $2";
        // they wait again, under the same Message-ID
        TAKE_BACK = "
            update notices set state = 'queued', version = version + 1
            where notice_id = $1 and state = 'sending' and attempts = $2 returning version";
        GET = "
            select notice_id, kind, account_id, currency, case_id, hold_id, stage, tone, anchor_item_id, business_date,
                state, recipients, language, template, template_version, subject, body_text, body_html, listed, total,
                message_id, correlation_id, attempts, next_attempt_at, state_reason, created_at, sent_at, version
            from notices where notice_id = $1";
        SENT = "
            update notices set state = 'sent', state_reason = '', sent_at = $3, version = version + 1
            where notice_id = $1 and state = 'sending' and attempts = $2 returning version";
        UNSENDABLE = "
            update notices set state = $3, state_reason = $4, next_attempt_at = $5, version = version + 1
            where notice_id = $1 and state = 'sending' and attempts = $2 returning version";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    notice_id: Id<NoticeId>,
    kind: String,
    account_id: Id<AccountId>,
    currency: Option<String>,
    case_id: Option<Id<CaseId>>,
    hold_id: Option<Id<HoldId>>,
    stage: i64,
    tone: Option<String>,
    anchor_item_id: Option<Id<ItemId>>,
    business_date: NaiveDate,
    state: String,
    recipients: Json<Vec<String>>,
    language: String,
    template: String,
    template_version: String,
    subject: String,
    body_text: String,
    body_html: String,
    listed: Json<Vec<Listed>>,
    total: Option<i64>,
    message_id: String,
    correlation_id: Id<CorrelationId>,
    attempts: i64,
    next_attempt_at: Instant,
    state_reason: String,
    created_at: Instant,
    sent_at: Option<Instant>,
    version: i64,
}

impl Row {
    fn record(self) -> Result<NoticeRecord, Error> {
        let total = match (self.total, &self.currency) {
            (Some(total), Some(currency)) => Some(money(total, currency)?),
            _ => None,
        };
        let tone = self.tone.map(|name| known("tone", Tone::from_name(&name))).transpose()?;
        Ok(NoticeRecord {
            notice_id: self.notice_id.0,
            kind: known("notice kind", NoticeKind::from_name(&self.kind))?,
            account_id: self.account_id.0,
            case_id: self.case_id.map(|id| id.0),
            hold_id: self.hold_id.map(|id| id.0),
            stage: self.stage,
            tone,
            anchor_item_id: self.anchor_item_id.map(|id| id.0),
            business_date: self.business_date,
            state: known("notice state", NoticeState::from_name(&self.state))?,
            recipients: self.recipients.0,
            language: known("language", Language::from_name(&self.language))?,
            content: Content {
                template: self.template,
                template_version: self.template_version,
                subject: self.subject,
                text: self.body_text,
                html: self.body_html,
            },
            listed: self.listed.0,
            total,
            message_id: self.message_id,
            correlation_id: self.correlation_id.0,
            attempts: self.attempts,
            next_attempt_at: self.next_attempt_at.get(),
            state_reason: self.state_reason,
            created_at: self.created_at.get(),
            sent_at: self.sent_at.map(Instant::get),
            version: self.version,
        })
    }
}

/// Adds a notice; nothing happens when the hold's recipient has one, or the case an unsent one.
pub(crate) async fn insert_in(tx: &mut Tx, notice: &NoticeRecord) -> Result<bool, Error> {
    let inserted = tx
        .query(sql::INSERT)
        .bind(notice.notice_id.as_str())
        .bind(notice.kind.as_str())
        .bind(notice.account_id.as_str())
        .bind(notice.total.map(|total| total.currency().code()))
        .bind(notice.case_id.as_ref().map(CaseId::as_str))
        .bind(notice.hold_id.as_ref().map(HoldId::as_str))
        .bind(notice.stage)
        .bind(notice.tone.map(Tone::as_str))
        .bind(notice.anchor_item_id.as_ref().map(ItemId::as_str))
        .bind(notice.business_date)
        .bind(notice.state.as_str())
        .bind(Json(&notice.recipients))
        .bind(notice.language.as_str())
        .bind(notice.content.template.as_str())
        .bind(notice.content.template_version.as_str())
        .bind(notice.content.subject.as_str())
        .bind(notice.content.text.as_str())
        .bind(notice.content.html.as_str())
        .bind(Json(&notice.listed))
        .bind(notice.total.map(weir_model::Money::minor))
        .bind(notice.message_id.as_str())
        .bind(notice.correlation_id.as_str())
        .bind(notice.attempts)
        .bind(Instant::from(notice.next_attempt_at))
        .bind(notice.state_reason.as_str())
        .bind(Instant::from(notice.created_at))
        .bind(notice.version)
        .execute()
        .await?;
    Ok(inserted == 1)
}

/// Rewrites a notice that waits; answers how it waits now, none when it is on its way.
pub(crate) async fn replace_in(tx: &mut Tx, notice: NoticeRecord) -> Result<Option<NoticeRecord>, Error> {
    let replaced = tx
        .query(sql::REPLACE)
        .bind(notice.notice_id.as_str())
        .bind(notice.stage)
        .bind(notice.tone.map(Tone::as_str))
        .bind(notice.anchor_item_id.as_ref().map(ItemId::as_str))
        .bind(notice.business_date)
        .bind(Json(&notice.recipients))
        .bind(notice.language.as_str())
        .bind(notice.content.template.as_str())
        .bind(notice.content.template_version.as_str())
        .bind(notice.content.subject.as_str())
        .bind(notice.content.text.as_str())
        .bind(notice.content.html.as_str())
        .bind(Json(&notice.listed))
        .bind(notice.total.map(weir_model::Money::minor))
        .bind(Instant::from(notice.next_attempt_at))
        .optional::<(i64, Instant, i64)>()
        .await?;
    Ok(replaced.map(|(attempts, next, version)| NoticeRecord {
        attempts,
        next_attempt_at: next.get(),
        version,
        ..notice
    }))
}

/// Cancels a notice that waits; answers its version, none when it is on its way.
pub(crate) async fn cancel_in(tx: &mut Tx, notice_id: &NoticeId, reason: &str) -> Result<Option<i64>, Error> {
    let query = tx.query(sql::CANCEL).bind(notice_id.as_str()).bind(reason);
    Ok(query.optional::<(i64,)>().await?.map(|row| row.0))
}

#[derive(sqlx::FromRow)]
struct UnsentRow {
    account_id: Id<AccountId>,
    currency: Option<String>,
    notice_id: Id<NoticeId>,
    case_id: Option<Id<CaseId>>,
    state: String,
    stage: i64,
    anchor_item_id: Option<Id<ItemId>>,
    business_date: NaiveDate,
    listed: Json<Vec<Listed>>,
}

/// The unsent notices to the debtors of a range of accounts.
pub(crate) async fn unsent_in(
    tx: &mut Tx,
    first: &AccountId,
    last: &AccountId,
) -> Result<Vec<(AccountId, Currency, Unsent)>, Error> {
    let rows = tx.query(sql::UNSENT).bind(first.as_str()).bind(last.as_str()).all::<UnsentRow>().await?;
    let unsent = |row: UnsentRow| {
        let state = match NoticeState::from_name(&row.state) {
            Some(NoticeState::Sending) => UnsentState::Sending,
            Some(NoticeState::Failed) => UnsentState::Failed,
            _ => UnsentState::Waiting,
        };
        let unsent = Unsent {
            notice_id: row.notice_id.0,
            case_id: row.case_id.map(|id| id.0),
            state,
            stage: row.stage,
            anchor_item_id: known("anchor", row.anchor_item_id)?.0,
            business_date: row.business_date,
            listed: row.listed.0,
        };
        let currency = Currency::from_code(&known("currency", row.currency)?)?;
        Ok((row.account_id.0, currency, unsent))
    };
    rows.into_iter().map(unsent).collect()
}

/// Takes the notice that is due to be sent next; it is the taker's until `until`. One at a time, so that all others can
/// still be recalled.
pub(crate) async fn claim_in(
    tx: &mut Tx,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<NoticeRecord>, Error> {
    let query = tx.query(sql::CLAIM).bind(Instant::from(now)).bind(Instant::from(until));
    let Some((id,)) = query.optional::<(Id<NoticeId>,)>().await? else { return Ok(None) };
    Ok(Some(tx.query(sql::GET).bind(id.0.as_str()).one::<Row>().await?.record()?))
}

/// A notice that was claimed by a sender not heard of since.
#[derive(Debug, Clone)]
pub(crate) struct Lost {
    /// The notice.
    pub(crate) notice_id: NoticeId,
    /// The account it is about.
    pub(crate) account_id: AccountId,
    /// Whom it is for.
    pub(crate) kind: NoticeKind,
    /// What it belongs to.
    pub(crate) correlation_id: CorrelationId,
    /// Its attempts, that of the lost sender included.
    pub(crate) attempts: i64,
}

/// Notices whose claim has run out, at most `limit`.
pub(crate) async fn lost(db: &Db, now: DateTime<Utc>, limit: i64) -> Result<Vec<Lost>, Error> {
    type Row = (Id<NoticeId>, Id<AccountId>, String, Id<CorrelationId>, i64);
    let rows = db.query(sql::LOST).bind(Instant::from(now)).bind(limit).all::<Row>().await?;
    let lost = |(notice_id, account_id, kind, correlation_id, attempts): Row| {
        Ok(Lost {
            notice_id: notice_id.0,
            account_id: account_id.0,
            kind: known("notice kind", NoticeKind::from_name(&kind))?,
            correlation_id: correlation_id.0,
            attempts,
        })
    };
    rows.into_iter().map(lost).collect()
}

/// Lets a lost notice wait again; answers its version, none when somebody else did or its sender came back.
pub(crate) async fn take_back_in(tx: &mut Tx, lost: &Lost) -> Result<Option<i64>, Error> {
    let query = tx.query(sql::TAKE_BACK).bind(lost.notice_id.as_str()).bind(lost.attempts);
    Ok(query.optional::<(i64,)>().await?.map(|row| row.0))
}

/// Notes that a claimed notice was sent; answers its version, none when the claim was lost.
pub(crate) async fn sent_in(tx: &mut Tx, notice: &NoticeRecord, at: DateTime<Utc>) -> Result<Option<i64>, Error> {
    let query = tx.query(sql::SENT).bind(notice.notice_id.as_str()).bind(notice.attempts).bind(Instant::from(at));
    Ok(query.optional::<(i64,)>().await?.map(|row| row.0))
}

/// Notes that a claimed notice could not be sent; answers its version, none when the claim was lost.
pub(crate) async fn unsendable_in(
    tx: &mut Tx,
    notice: &NoticeRecord,
    state: NoticeState,
    reason: &str,
    next_attempt_at: DateTime<Utc>,
) -> Result<Option<i64>, Error> {
    let query = tx
        .query(sql::UNSENDABLE)
        .bind(notice.notice_id.as_str())
        .bind(notice.attempts)
        .bind(state.as_str())
        .bind(reason)
        .bind(Instant::from(next_attempt_at));
    Ok(query.optional::<(i64,)>().await?.map(|row| row.0))
}

/// Which notices to list.
#[derive(Debug, Clone, Default)]
pub struct NoticeFilter {
    /// Only those about this account.
    pub account_id: Option<AccountId>,
    /// Only those of this case.
    pub case_id: Option<CaseId>,
    /// Only those of this kind.
    pub kind: Option<NoticeKind>,
    /// Only those in this state.
    pub state: Option<NoticeState>,
    /// Only those about this hold.
    pub hold_id: Option<HoldId>,
}

/// Where a list of notices goes on.
pub(crate) type Key = (DateTime<Utc>, NoticeId);

/// Notices, newest first.
pub(crate) async fn list(db: &Db, filter: &NoticeFilter, page: &Page<Key>) -> Result<Vec<NoticeRecord>, Error> {
    let mut query = db
        .build(
            "select notice_id, kind, account_id, currency, case_id, hold_id, stage, tone, anchor_item_id,
                business_date, state, recipients, language, template, template_version, subject, body_text, body_html,
                listed, total, message_id, correlation_id, attempts, next_attempt_at, state_reason, created_at,
                sent_at, version
            from notices where 1 = 1",
        )
        .push_if(" and account_id = ", filter.account_id.as_ref().map(AccountId::as_str))
        .push_if(" and case_id = ", filter.case_id.as_ref().map(CaseId::as_str))
        .push_if(" and kind = ", filter.kind.map(NoticeKind::as_str))
        .push_if(" and state = ", filter.state.map(NoticeState::as_str))
        .push_if(" and hold_id = ", filter.hold_id.as_ref().map(HoldId::as_str));
    if let Some((at, id)) = &page.after {
        query = query.push(" and (created_at, notice_id) < (").value(Instant::from(*at)).push(", ");
        query = query.value(id.as_str()).push(")");
    }
    let query = query.push(" order by created_at desc, notice_id desc limit ").value(page.size);
    query.all::<Row>().await?.into_iter().map(Row::record).collect()
}
