//! The desk: accounts worked by the rules, and what the rules decided carried out in the same transaction.

use chrono::NaiveDate;
use weir_model::{AccountId, Call, CaseId, CorrelationId, Money, NoticeId, StrategyId, TaskId};
use weir_store::Tx;

use super::Collections;
use crate::{
    Error,
    case::{CaseState, Course},
    debtor::Debtor,
    notice::{Listed, NoticeKind, NoticeState},
    policy::Policy,
    promise::PromiseState,
    record::{CaseRecord, NoticeRecord, RunCounts, TaskRecord},
    run::{Dossier, Draft, Effect, Occasion, plan},
    standing::Standing,
    store::{
        Notes, accounts, belonging_to, cases,
        dossiers::{self, Account},
        notices, promises, tasks,
    },
    strategy::Strategy,
    task::TaskState,
    template::Demand,
};

/// What accounts are worked for.
pub(super) struct Work<'a> {
    /// Who asked for it.
    pub(super) call: &'a Call,
    /// The strategies in force.
    pub(super) policy: &'a Policy,
    /// The business date.
    pub(super) date: NaiveDate,
    /// Run or change.
    pub(super) occasion: Occasion,
}

/// One debt being worked.
struct Desk<'a> {
    work: &'a Work<'a>,
    account_id: &'a AccountId,
    debtor: Option<&'a Debtor>,
    dossier: &'a Dossier,
    strategy_id: &'a StrategyId,
    strategy: &'a Strategy,
    case_id: Option<CaseId>,
}

impl Collections {
    /// Works the accounts of a range: promises, cases, tasks, notices, standing. Answers what was done.
    pub(super) async fn work_in(
        &self,
        tx: &mut Tx,
        work: &Work<'_>,
        (first, last): (&AccountId, &AccountId),
        counts: &mut RunCounts,
    ) -> Result<(), Error> {
        let mut notes = Notes::default();
        for account in dossiers::load_in(tx, first, last).await? {
            self.work_account_in(tx, work, &account, counts, &mut notes).await?;
        }
        notes.write_in(tx).await
    }

    async fn work_account_in(
        &self,
        tx: &mut Tx,
        work: &Work<'_>,
        account: &Account,
        counts: &mut RunCounts,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let (strategy_id, strategy) = work.policy.of(account.grade);
        let mut level = 0;
        for dossier in &account.debts {
            let plan = plan(dossier, strategy_id, strategy, work.date, work.occasion)?;
            level = level.max(plan.level);
            counts.worked += 1;
            counts.unaddressed_notices += i64::from(plan.unaddressed);
            let case_id = dossier.case.as_ref().map(|case| case.case_id.clone());
            let (account_id, debtor) = (&account.standing.account_id, account.debtor.as_ref());
            let mut desk = Desk { work, account_id, debtor, dossier, strategy_id, strategy, case_id };
            for effect in plan.effects {
                self.carry_out_in(tx, &mut desk, effect, counts, notes).await?;
            }
        }
        if level != account.standing.dunning_level {
            let before = &account.standing;
            let after = Standing { dunning_level: level, version: before.version + 1, ..before.clone() };
            accounts::save_standing_in(tx, &after).await?;
            let subject = after.account_id.as_str();
            notes.add(work.call, "standing_changed", subject, after.version, (Some(before), &after))?;
        }
        Ok(())
    }

    async fn carry_out_in(
        &self,
        tx: &mut Tx,
        desk: &mut Desk<'_>,
        effect: Effect,
        counts: &mut RunCounts,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let (call, date) = (desk.work.call, desk.work.date);
        match effect {
            Effect::JudgePromise { promise_id, state } => {
                counts.judged_promises += 1;
                if let Some(before) = promises::get_in(tx, &promise_id).await? {
                    judge_in(tx, call, &before, (state, date), notes).await?;
                }
            }
            Effect::OpenCase { course } => {
                counts.opened_cases += 1;
                let case = self.new_case(desk, course);
                cases::insert_in(tx, &case).await?;
                notes.add(&desk.call(), "case_opened", case.case_id.as_str(), 1, (None, &case))?;
                desk.case_id = Some(case.case_id);
            }
            Effect::Steer { case_id, course } => {
                let version = cases::steer_in(tx, &case_id, &course).await?;
                let before = desk.dossier.case.as_ref().map(|case| &case.course);
                notes.add(&desk.call(), "case_steered", case_id.as_str(), version, (before, &course))?;
            }
            Effect::CloseCase { case_id } => {
                counts.closed_cases += 1;
                let version = cases::close_in(tx, &case_id, date).await?;
                let before = desk.dossier.case.as_ref().map(|case| case.course.clone());
                notes.add(call, "case_closed", case_id.as_str(), version, (None, &before))?;
            }
            Effect::GiveTask { kind, stage, item_id, owner, assignee, due_date } => {
                let Some(case_id) = desk.case_id.clone() else { return Ok(()) };
                counts.created_tasks += 1;
                let asking = desk.strategy.stage(stage);
                let task = TaskRecord {
                    task_id: self.env.ids.next::<TaskId>(),
                    case_id,
                    account_id: desk.account_id.clone(),
                    kind,
                    stage,
                    strategy_id: asking.map(|_| desk.strategy_id.clone()),
                    stage_name: asking.map_or_else(String::new, |stage| stage.name.clone()),
                    stage_day: asking.map(|stage| stage.from_day),
                    item_id,
                    owner,
                    assignee,
                    due_date,
                    state: TaskState::Open,
                    note: String::new(),
                    done_by: None,
                    ended_at: None,
                    version: 1,
                };
                tasks::insert_in(tx, &task).await?;
                notes.add(&desk.call(), "task_given", task.task_id.as_str(), 1, (None, &task))?;
            }
            Effect::CloseTask { task_id, reason } => close_task_in(tx, call, &task_id, reason, notes).await?,
            Effect::QueueNotice(draft) => {
                let queued = self.queue_in(tx, desk, &draft, notes).await?;
                let of_strategy = counts.queued_notices.entry(desk.strategy_id.clone()).or_default();
                *of_strategy.entry(draft.stage).or_default() += i64::from(queued);
            }
            Effect::ReplaceNotice { notice_id, draft } => {
                counts.replaced_notices += 1;
                self.replace_in(tx, desk, notice_id, &draft, notes).await?;
            }
            Effect::CancelNotice { notice_id, reason } => {
                counts.cancelled_notices += 1;
                if let Some(version) = notices::cancel_in(tx, &notice_id, reason).await? {
                    let after = (NoticeState::Cancelled, reason);
                    notes.add(call, "notice_cancelled", notice_id.as_str(), version, (None, &after))?;
                }
            }
        }
        Ok(())
    }

    fn new_case(&self, desk: &Desk<'_>, course: Course) -> CaseRecord {
        CaseRecord {
            case_id: self.env.ids.next(),
            account_id: desk.account_id.clone(),
            currency: desk.dossier.currency,
            state: CaseState::Open,
            course,
            opened_date: desk.work.date,
            closed_date: None,
            last_notice_date: None,
            version: 1,
        }
    }

    async fn queue_in(&self, tx: &mut Tx, desk: &Desk<'_>, draft: &Draft, notes: &mut Notes) -> Result<bool, Error> {
        let Some(notice) = self.write_notice(desk, self.env.ids.next(), draft, desk.work.date)? else {
            return Ok(false);
        };
        let queued = notices::insert_in(tx, &notice).await?;
        if queued {
            notes.add(&desk.call(), "notice_queued", notice.notice_id.as_str(), 1, (None, &notice.brief()))?;
        }
        Ok(queued)
    }

    async fn replace_in(
        &self,
        tx: &mut Tx,
        desk: &Desk<'_>,
        notice_id: NoticeId,
        draft: &Draft,
        notes: &mut Notes,
    ) -> Result<(), Error> {
        let kept = desk.dossier.unsent.as_ref().map(|unsent| unsent.business_date);
        let date = match desk.work.occasion {
            Occasion::Run => desk.work.date,
            Occasion::Change => kept.unwrap_or(desk.work.date),
        };
        let Some(notice) = self.write_notice(desk, notice_id, draft, date)? else { return Ok(()) };
        if let Some(notice) = notices::replace_in(tx, notice).await? {
            let (subject, version) = (notice.notice_id.as_str(), notice.version);
            notes.add(&desk.call(), "notice_replaced", subject, version, (None, &notice.brief()))?;
        }
        Ok(())
    }

    /// The notice, or none where it cannot be written: one account's defect must not stop a run for all others.
    fn write_notice(
        &self,
        desk: &Desk<'_>,
        notice_id: NoticeId,
        draft: &Draft,
        date: NaiveDate,
    ) -> Result<Option<NoticeRecord>, Error> {
        match self.notice(desk, notice_id, draft, date) {
            Ok(notice) => Ok(Some(notice)),
            Err(error @ (Error::Money(_) | Error::Template(_))) => {
                tracing::error!(account_id = %desk.account_id, %error, "a notice could not be written");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn notice(
        &self,
        desk: &Desk<'_>,
        notice_id: NoticeId,
        draft: &Draft,
        date: NaiveDate,
    ) -> Result<NoticeRecord, Error> {
        let tone = desk.strategy.stage(draft.stage).and_then(|stage| stage.tone).ok_or(Error::Corrupt("stage"))?;
        let debtor = desk.debtor.ok_or(Error::Corrupt("debtor"))?;
        let total = sum(desk.dossier, &draft.listed)?;
        let demand = Demand { tone, debtor: &debtor.name, listed: &draft.listed, total, date };
        let now = self.env.clock.now();
        Ok(NoticeRecord {
            message_id: format!("{notice_id}@{}", self.inner.settings.message_domain),
            notice_id,
            kind: NoticeKind::Debtor,
            account_id: desk.account_id.clone(),
            case_id: desk.case_id.clone(),
            hold_id: None,
            stage: draft.stage,
            tone: Some(tone),
            anchor_item_id: Some(draft.anchor_item_id.clone()),
            business_date: date,
            state: NoticeState::Queued,
            recipients: debtor.emails.clone(),
            language: debtor.language,
            content: self.inner.templates.demand(debtor.language, &demand)?,
            listed: draft.listed.clone(),
            total: Some(total),
            correlation_id: desk.call().correlation_id,
            attempts: 0,
            next_attempt_at: now,
            state_reason: String::new(),
            created_at: now,
            sent_at: None,
            version: 1,
        })
    }
}

impl Desk<'_> {
    /// The call, belonging to what the oldest open item of the debt began.
    fn call(&self) -> Call {
        let anchor = self.dossier.items.first();
        let correlation_id: Option<&CorrelationId> = anchor.and_then(|item| item.correlation_id.as_ref());
        belonging_to(self.work.call, correlation_id)
    }
}

fn sum(dossier: &Dossier, listed: &[Listed]) -> Result<Money, Error> {
    Ok(Money::checked_sum(dossier.currency, listed.iter().map(|item| item.amount))?)
}

async fn judge_in(
    tx: &mut Tx,
    call: &Call,
    before: &crate::record::PromiseRecord,
    (state, date): (PromiseState, NaiveDate),
    notes: &mut Notes,
) -> Result<(), Error> {
    let mut after = before.clone();
    (after.state, after.judged_date) = (state, Some(date));
    after.version = promises::save_in(tx, &after).await?;
    let subject = after.promise.promise_id.as_str();
    notes.add(call, "promise_judged", subject, after.version, (Some(before), &after))
}

async fn close_task_in(
    tx: &mut Tx,
    call: &Call,
    task_id: &TaskId,
    reason: &str,
    notes: &mut Notes,
) -> Result<(), Error> {
    let Some(before) = tasks::get_in(tx, task_id).await?.filter(|task| task.state == TaskState::Open) else {
        return Ok(());
    };
    let after = TaskRecord {
        state: TaskState::Closed,
        note: reason.to_owned(),
        ended_at: Some(call.at),
        version: before.version + 1,
        ..before.clone()
    };
    tasks::save_in(tx, &after).await?;
    notes.add(call, "task_closed", task_id.as_str(), after.version, (Some(&before), &after))
}
