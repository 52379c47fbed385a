//! From this context's words to messages.

use weir_model::{CaseId, HoldId, ItemId, StrategyId, SubjectId};
use weir_wire::{collections::v1 as pb, common::v1::Grade as PbGrade, emit};

use crate::{
    case::CaseState,
    contact::{Contact, ContactChannel, ContactOutcome},
    debtor::Debtor,
    facade::{CaseView, Line},
    item::Item,
    notice::{Language, NoticeKind, NoticeState},
    promise::PromiseState,
    record::{NoticeRecord, PromiseRecord, RunReport, StageCount, StrategyRecord, TaskRecord},
    standing::Standing,
    strategy::{Grade, Owner, Stage, StrategyState, TaskKind, Tone},
    suppression::Suppression,
    task::TaskState,
    worklist::NextAction,
};

/// A day count, stage or level; all lie far inside 32 bits.
fn small(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}

fn text<T: AsRef<str>>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.as_ref().to_owned())
}

pub(super) const fn owner(owner: Owner) -> pb::StageOwner {
    match owner {
        Owner::Sales => pb::StageOwner::Sales,
        Owner::Finance => pb::StageOwner::Finance,
        Owner::Legal => pb::StageOwner::Legal,
    }
}

const fn tone(tone: Option<Tone>) -> pb::NoticeTone {
    match tone {
        None => pb::NoticeTone::Unspecified,
        Some(Tone::Reminder) => pb::NoticeTone::Reminder,
        Some(Tone::Friendly) => pb::NoticeTone::Friendly,
        Some(Tone::Formal) => pb::NoticeTone::Formal,
        Some(Tone::Final) => pb::NoticeTone::Final,
    }
}

const fn task_kind(kind: TaskKind) -> pb::TaskKind {
    match kind {
        TaskKind::Call => pb::TaskKind::Call,
        TaskKind::Letter => pb::TaskKind::Letter,
        TaskKind::LegalReview => pb::TaskKind::LegalReview,
        TaskKind::FindAddress => pb::TaskKind::FindAddress,
        TaskKind::BrokenPromise => pb::TaskKind::BrokenPromise,
    }
}

const fn grade(grade: Option<Grade>) -> PbGrade {
    match grade {
        None => PbGrade::Unspecified,
        Some(Grade::A) => PbGrade::A,
        Some(Grade::B) => PbGrade::B,
        Some(Grade::C) => PbGrade::C,
        Some(Grade::D) => PbGrade::D,
    }
}

const fn language(language: Language) -> pb::Language {
    match language {
        Language::En => pb::Language::En,
        Language::ZhCn => pb::Language::ZhCn,
    }
}

pub(super) fn strategy(record: &StrategyRecord) -> pb::Strategy {
    let state = match record.state {
        StrategyState::Draft => pb::StrategyState::Draft,
        StrategyState::Active => pb::StrategyState::Active,
        StrategyState::Retired => pb::StrategyState::Retired,
    };
    pb::Strategy {
        strategy_id: text(record.strategy_id.as_ref().map(weir_model::StrategyId::as_str)),
        name: record.strategy.name.clone(),
        grade: grade(record.strategy.grade).into(),
        tolerances: record.strategy.tolerances.iter().copied().map(emit::money).collect(),
        stages: record.strategy.stages.iter().map(stage).collect(),
        state: state.into(),
        created_by: record.created_by.to_string(),
        created_time: Some(emit::timestamp(record.created_at)),
        activated_by: text(record.activated.as_ref().map(|(by, _)| by.as_str())),
        activated_time: record.activated.as_ref().map(|(_, at)| emit::timestamp(*at)),
    }
}

fn stage(stage: &Stage) -> pb::Stage {
    pb::Stage {
        number: small(stage.number),
        dunning_level: small(stage.level),
        name: stage.name.clone(),
        from_days_past_due: small(stage.from_day),
        owner: owner(stage.owner).into(),
        tone: tone(stage.tone).into(),
        minimum_interval_days: small(stage.minimum_interval_days),
        tasks: stage.tasks.iter().map(|kind| task_kind(*kind).into()).collect(),
        task_days: small(stage.task_days),
        expected_recovery_percent: Some(emit::decimal(stage.expected_recovery_percent)),
    }
}

pub(super) fn debtor(debtor: &Debtor) -> pb::Debtor {
    pb::Debtor {
        account_id: debtor.account_id.to_string(),
        name: debtor.name.clone(),
        language: language(debtor.language).into(),
        emails: debtor.emails.clone(),
        phone: debtor.phone.clone(),
        salesperson: text(debtor.salesperson.as_ref().map(SubjectId::as_str)),
        version: debtor.version,
    }
}

/// A case, without its items.
pub(super) fn case(view: &CaseView) -> pb::Case {
    let case = &view.case;
    let state = match case.state {
        CaseState::Open => pb::CaseState::Open,
        CaseState::Closed => pb::CaseState::Closed,
    };
    pb::Case {
        case_id: case.case_id.to_string(),
        account_id: case.account_id.to_string(),
        currency_code: case.currency.code().to_owned(),
        state: state.into(),
        strategy_id: case.course.strategy_id.to_string(),
        anchor_item_id: text(case.course.anchor_item_id.as_ref().map(ItemId::as_str)),
        stage: small(case.course.stage),
        stage_name: view.stage_name.clone(),
        owner: owner(case.course.owner).into(),
        dunning_level: small(case.course.level),
        days_past_due: small(view.days_past_due),
        open_amount: Some(emit::money(view.open)),
        overdue_amount: Some(emit::money(view.overdue)),
        opened_date: Some(emit::date(case.opened_date)),
        closed_date: case.closed_date.map(emit::date),
        last_notice_date: case.last_notice_date.map(emit::date),
        items: Vec::new(),
        version: case.version,
    }
}

/// A case with its items.
pub(super) fn case_with_items(view: &CaseView) -> pb::Case {
    let items = view.items.iter().zip(&view.stages_reached);
    let items = items.map(|((item, suppressed), reached)| case_item(item, *suppressed, *reached, view.as_of));
    pb::Case { items: items.collect(), ..case(view) }
}

fn case_item(
    item: &Item,
    suppressed: Option<Suppression>,
    stage_reached: i64,
    as_of: chrono::NaiveDate,
) -> pb::CaseItem {
    let suppression = match suppressed {
        None => pb::Suppression::Unspecified,
        Some(Suppression::Settled) => pb::Suppression::Settled,
        Some(Suppression::Disputed) => pb::Suppression::Disputed,
        Some(Suppression::Paused) => pb::Suppression::Paused,
        Some(Suppression::Promised) => pb::Suppression::Promised,
        Some(Suppression::BelowTolerance) => pb::Suppression::BelowTolerance,
        Some(Suppression::OptedOut) => pb::Suppression::OptedOut,
        Some(Suppression::Covered) => pb::Suppression::Covered,
    };
    pb::CaseItem {
        item_id: item.item_id.to_string(),
        document_number: item.document_number.clone(),
        due_date: Some(emit::date(item.due_date)),
        days_past_due: small(item.days_past_due(as_of)),
        open_amount: Some(emit::money(item.open)),
        disputed_amount: Some(emit::money(item.disputed)),
        suppression: suppression.into(),
        stage_reached: small(stage_reached),
        order_id: text(item.order_id.as_ref().map(weir_model::OrderId::as_str)),
    }
}

pub(super) fn task(task: &TaskRecord) -> pb::Task {
    let state = match task.state {
        TaskState::Open => pb::TaskState::Open,
        TaskState::Done => pb::TaskState::Done,
        TaskState::Closed => pb::TaskState::Closed,
    };
    pb::Task {
        task_id: task.task_id.to_string(),
        case_id: task.case_id.to_string(),
        account_id: task.account_id.to_string(),
        kind: task_kind(task.kind).into(),
        stage: small(task.stage),
        item_id: task.item_id.to_string(),
        owner: owner(task.owner).into(),
        assignee: text(task.assignee.as_ref().map(SubjectId::as_str)),
        due_date: Some(emit::date(task.due_date)),
        state: state.into(),
        note: task.note.clone(),
        done_by: text(task.done_by.as_ref().map(SubjectId::as_str)),
        ended_time: task.ended_at.map(emit::timestamp),
        version: task.version,
        strategy_id: text(task.strategy_id.as_ref().map(StrategyId::as_str)),
        stage_name: task.stage_name.clone(),
    }
}

pub(super) fn contact(contact: &Contact) -> pb::Contact {
    let channel = match contact.channel {
        ContactChannel::Phone => pb::ContactChannel::Phone,
        ContactChannel::Email => pb::ContactChannel::Email,
        ContactChannel::Letter => pb::ContactChannel::Letter,
        ContactChannel::Chat => pb::ContactChannel::Chat,
        ContactChannel::Visit => pb::ContactChannel::Visit,
    };
    let outcome = match contact.outcome {
        ContactOutcome::NotReached => pb::ContactOutcome::NotReached,
        ContactOutcome::Reached => pb::ContactOutcome::Reached,
        ContactOutcome::Promised => pb::ContactOutcome::Promised,
        ContactOutcome::Disputed => pb::ContactOutcome::Disputed,
        ContactOutcome::Refused => pb::ContactOutcome::Refused,
        ContactOutcome::ClaimsPaid => pb::ContactOutcome::ClaimsPaid,
    };
    pb::Contact {
        contact_id: contact.contact_id.to_string(),
        case_id: contact.case_id.to_string(),
        account_id: contact.account_id.to_string(),
        channel: channel.into(),
        outcome: outcome.into(),
        contact_person: contact.contact_person.clone(),
        note: contact.note.clone(),
        contact_time: Some(emit::timestamp(contact.contact_at)),
        recorded_by: contact.recorded_by.to_string(),
        recorded_time: Some(emit::timestamp(contact.recorded_at)),
    }
}

pub(super) fn promise(record: &PromiseRecord) -> pb::Promise {
    let state = match record.state {
        PromiseState::Open => pb::PromiseState::Open,
        PromiseState::Kept => pb::PromiseState::Kept,
        PromiseState::PartlyKept => pb::PromiseState::PartlyKept,
        PromiseState::Broken => pb::PromiseState::Broken,
        PromiseState::Cancelled => pb::PromiseState::Cancelled,
    };
    let promise = &record.promise;
    pb::Promise {
        promise_id: promise.promise_id.to_string(),
        case_id: text(record.case_id.as_ref().map(CaseId::as_str)),
        account_id: record.account_id.to_string(),
        item_id: promise.item_id.to_string(),
        promised_amount: Some(emit::money(promise.amount)),
        promised_date: Some(emit::date(promise.date)),
        grace_days: small(promise.grace_days),
        received_amount: Some(emit::money(promise.received)),
        state: state.into(),
        judged_date: record.judged_date.map(emit::date),
        recorded_by: record.recorded_by.to_string(),
        recorded_time: Some(emit::timestamp(record.recorded_at)),
        note: record.note.clone(),
    }
}

pub(super) fn notice(notice: &NoticeRecord) -> pb::Notice {
    let kind = match notice.kind {
        NoticeKind::Debtor => pb::NoticeKind::Debtor,
        NoticeKind::HoldFinanceManager => pb::NoticeKind::HoldFinanceManager,
        NoticeKind::HoldSalesHead => pb::NoticeKind::HoldSalesHead,
    };
    let state = match notice.state {
        NoticeState::Queued => pb::NoticeState::Queued,
        NoticeState::Sending => pb::NoticeState::Sending,
        NoticeState::Sent => pb::NoticeState::Sent,
        NoticeState::Cancelled => pb::NoticeState::Cancelled,
        NoticeState::Failed => pb::NoticeState::Failed,
    };
    pb::Notice {
        notice_id: notice.notice_id.to_string(),
        kind: kind.into(),
        account_id: notice.account_id.to_string(),
        case_id: text(notice.case_id.as_ref().map(CaseId::as_str)),
        stage: small(notice.stage),
        tone: tone(notice.tone).into(),
        business_date: Some(emit::date(notice.business_date)),
        state: state.into(),
        recipients: notice.recipients.clone(),
        language: language(notice.language).into(),
        template: notice.content.template.clone(),
        template_version: notice.content.template_version.clone(),
        subject: notice.content.subject.clone(),
        body_text: notice.content.text.clone(),
        item_ids: notice.listed.iter().map(|item| item.item_id.to_string()).collect(),
        total_amount: notice.total.map(emit::money),
        hold_id: text(notice.hold_id.as_ref().map(HoldId::as_str)),
        message_id: notice.message_id.clone(),
        attempts: small(notice.attempts),
        state_reason: notice.state_reason.clone(),
        created_time: Some(emit::timestamp(notice.created_at)),
        sent_time: notice.sent_at.map(emit::timestamp),
    }
}

pub(super) fn standing(standing: &Standing) -> pb::Standing {
    let block = standing.block.as_ref();
    pb::Standing {
        account_id: standing.account_id.to_string(),
        blocked: block.is_some(),
        block_reason: text(block.map(|block| &block.reason)),
        blocked_by: text(block.map(|block| block.by.as_str())),
        blocked_time: block.map(|block| emit::timestamp(block.at)),
        dunning_level: small(standing.dunning_level),
        version: standing.version,
    }
}

pub(super) fn run(report: &RunReport) -> pb::RunCollectionsResponse {
    let counts = &report.counts;
    pb::RunCollectionsResponse {
        run_id: report.run_id.clone(),
        business_date: Some(emit::date(report.business_date)),
        worked_count: counts.worked,
        opened_case_count: counts.opened_cases,
        closed_case_count: counts.closed_cases,
        queued_notice_count: counts.queued_notices.values().flat_map(|by_stage| by_stage.values()).sum(),
        replaced_notice_count: counts.replaced_notices,
        cancelled_notice_count: counts.cancelled_notices,
        unaddressed_notice_count: counts.unaddressed_notices,
        created_task_count: counts.created_tasks,
        judged_promise_count: counts.judged_promises,
        stages: report.stages.iter().map(stage_count).collect(),
        token: None,
    }
}

fn stage_count(count: &StageCount) -> pb::StageCount {
    pb::StageCount {
        strategy_id: count.strategy_id.to_string(),
        stage: small(count.stage),
        stage_name: count.stage_name.clone(),
        case_count: count.cases,
        queued_notice_count: count.queued_notices,
    }
}

pub(super) fn worklist_entry(line: &Line) -> pb::WorklistEntry {
    let rank = &line.rank;
    let next_action = match rank.next_action {
        NextAction::Wait => pb::NextAction::Wait,
        NextAction::Call => pb::NextAction::Call,
        NextAction::Letter => pb::NextAction::Letter,
        NextAction::LegalReview => pb::NextAction::LegalReview,
        NextAction::FindAddress => pb::NextAction::FindAddress,
        NextAction::DiscussBrokenPromise => pb::NextAction::DiscussBrokenPromise,
        NextAction::ClearDispute => pb::NextAction::ClearDispute,
    };
    let factor = |factor: &crate::worklist::Factor| pb::UrgencyFactor {
        value: Some(emit::decimal(factor.value)),
        message: factor.message.clone(),
    };
    pb::WorklistEntry {
        case: Some(case(&line.view)),
        debtor_name: line.debtor_name.clone(),
        priority: Some(emit::decimal(rank.priority)),
        expected_recovery_amount: Some(emit::money(rank.expected_recovery)),
        urgency: Some(emit::decimal(rank.urgency)),
        factors: rank.factors.iter().map(factor).collect(),
        next_action: next_action.into(),
        task_id: text(rank.task_id.as_ref().map(weir_model::TaskId::as_str)),
    }
}
