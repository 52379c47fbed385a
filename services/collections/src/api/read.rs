//! From messages to this context's words, naming every bad field.

use rust_decimal::Decimal;
use weir_model::{Fault, Fields, RequestId};
use weir_wire::{
    collections::v1 as pb,
    common::v1::{Context, Grade as PbGrade, Token},
    parse,
};

use crate::{
    case::CaseState,
    channel,
    contact::{ContactChannel, ContactOutcome, NewContact},
    debtor::Debtor,
    facade::{Freshness, NewPromise},
    notice::{Language, NoticeKind, NoticeState},
    promise::{GRACE_DAYS_MAX, PromiseState},
    store::Page,
    strategy::{Grade, Owner, Stage, Strategy, StrategyState, TaskKind, Tone},
    task::TaskState,
};

/// The longest note, in characters.
pub(super) const NOTE_LENGTH_MAX: usize = 2_000;
/// The longest reason of a block, in characters.
pub(super) const REASON_LENGTH_MAX: usize = 500;
/// The longest name of a debtor or person, in characters.
const NAME_LENGTH_MAX: usize = 200;
/// The longest telephone number, in characters.
const PHONE_LENGTH_MAX: usize = 40;
/// The longest address, in characters.
const EMAIL_LENGTH_MAX: usize = 254;
/// How many addresses a debtor may have.
const EMAILS_MAX: usize = 10;
/// How many tolerances a strategy may name: more than there are currencies.
const TOLERANCES_MAX: usize = 200;
/// How many stages are read at all; how many are allowed is the rule's.
const STAGES_READ_MAX: usize = 100;

pub(super) fn request_id(fields: &mut Fields, text: &str) -> Option<RequestId> {
    parse::id(fields, "request_id", text)
}

/// Whether what follows may be given: a whole 32-bit number.
pub(super) fn page<K>(fields: &mut Fields, size: i32, after: Result<Option<K>, Fault>) -> Option<Page<K>> {
    let size = parse::page_size(fields, "page_size", size);
    let after = match after {
        Ok(after) => Some(after),
        Err(fault) => {
            for field in fault.fields {
                fields.add(field.path, field.description);
            }
            None
        }
    };
    Some(Page { after: after?, size: size? })
}

pub(super) fn freshness(fields: &mut Fields, token: Option<&Token>) -> Option<Freshness> {
    let path = "at_least_as_fresh";
    // every context is checked alike, so one of them is enough to note what is wrong
    let receivables = parse::fresh(fields, path, token, Context::Receivables)?;
    let mut quiet = Fields::default();
    let mut of = |context| parse::fresh(&mut quiet, path, token, context);
    let (order_gate, limits) = (of(Context::OrderGate)?, of(Context::Limits)?);
    Some(Freshness { receivables, order_gate, limits, collections: of(Context::Collections)? })
}

pub(super) fn owner(value: pb::StageOwner) -> Option<Owner> {
    match value {
        pb::StageOwner::Unspecified => None,
        pb::StageOwner::Sales => Some(Owner::Sales),
        pb::StageOwner::Finance => Some(Owner::Finance),
        pb::StageOwner::Legal => Some(Owner::Legal),
    }
}

pub(super) fn optional_owner(fields: &mut Fields, value: i32) -> Option<Option<Owner>> {
    Some(parse::optional_one_of::<pb::StageOwner>(fields, "owner", value)?.and_then(owner))
}

pub(super) fn strategy_state(fields: &mut Fields, value: i32) -> Option<Option<StrategyState>> {
    let state = parse::optional_one_of::<pb::StrategyState>(fields, "state", value)?;
    Some(state.and_then(|state| match state {
        pb::StrategyState::Unspecified => None,
        pb::StrategyState::Draft => Some(StrategyState::Draft),
        pb::StrategyState::Active => Some(StrategyState::Active),
        pb::StrategyState::Retired => Some(StrategyState::Retired),
    }))
}

pub(super) fn case_state(fields: &mut Fields, value: i32) -> Option<Option<CaseState>> {
    let state = parse::optional_one_of::<pb::CaseState>(fields, "state", value)?;
    Some(state.and_then(|state| match state {
        pb::CaseState::Unspecified => None,
        pb::CaseState::Open => Some(CaseState::Open),
        pb::CaseState::Closed => Some(CaseState::Closed),
    }))
}

pub(super) fn task_state(fields: &mut Fields, value: i32) -> Option<Option<TaskState>> {
    let state = parse::optional_one_of::<pb::TaskState>(fields, "state", value)?;
    Some(state.and_then(|state| match state {
        pb::TaskState::Unspecified => None,
        pb::TaskState::Open => Some(TaskState::Open),
        pb::TaskState::Done => Some(TaskState::Done),
        pb::TaskState::Closed => Some(TaskState::Closed),
    }))
}

pub(super) fn promise_state(fields: &mut Fields, value: i32) -> Option<Option<PromiseState>> {
    let state = parse::optional_one_of::<pb::PromiseState>(fields, "state", value)?;
    Some(state.and_then(|state| match state {
        pb::PromiseState::Unspecified => None,
        pb::PromiseState::Open => Some(PromiseState::Open),
        pb::PromiseState::Kept => Some(PromiseState::Kept),
        pb::PromiseState::PartlyKept => Some(PromiseState::PartlyKept),
        pb::PromiseState::Broken => Some(PromiseState::Broken),
        pb::PromiseState::Cancelled => Some(PromiseState::Cancelled),
    }))
}

pub(super) fn notice_kind(fields: &mut Fields, value: i32) -> Option<Option<NoticeKind>> {
    let kind = parse::optional_one_of::<pb::NoticeKind>(fields, "kind", value)?;
    Some(kind.and_then(|kind| match kind {
        pb::NoticeKind::Unspecified => None,
        pb::NoticeKind::Debtor => Some(NoticeKind::Debtor),
        pb::NoticeKind::HoldFinanceManager => Some(NoticeKind::HoldFinanceManager),
        pb::NoticeKind::HoldSalesHead => Some(NoticeKind::HoldSalesHead),
    }))
}

pub(super) fn notice_state(fields: &mut Fields, value: i32) -> Option<Option<NoticeState>> {
    let state = parse::optional_one_of::<pb::NoticeState>(fields, "state", value)?;
    Some(state.and_then(|state| match state {
        pb::NoticeState::Unspecified => None,
        pb::NoticeState::Queued => Some(NoticeState::Queued),
        pb::NoticeState::Sending => Some(NoticeState::Sending),
        pb::NoticeState::Sent => Some(NoticeState::Sent),
        pb::NoticeState::Cancelled => Some(NoticeState::Cancelled),
        pb::NoticeState::Failed => Some(NoticeState::Failed),
    }))
}

/// A strategy, checked by its rules as well.
pub(super) fn strategy(fields: &mut Fields, value: Option<&pb::Strategy>) -> Option<Strategy> {
    let Some(value) = value else {
        fields.add("strategy", "is required");
        return None;
    };
    let name = parse::text(fields, "strategy.name", &value.name, NAME_LENGTH_MAX);
    let grade = parse::optional_one_of::<PbGrade>(fields, "strategy.grade", value.grade);
    parse::at_most(fields, "strategy.tolerances", &value.tolerances, TOLERANCES_MAX);
    let mut tolerances = Vec::new();
    for (index, tolerance) in value.tolerances.iter().take(TOLERANCES_MAX).enumerate() {
        tolerances.push(parse::money(fields, &format!("strategy.tolerances[{index}]"), Some(tolerance)));
    }
    let mut stages = Vec::new();
    for (index, value) in value.stages.iter().take(STAGES_READ_MAX).enumerate() {
        stages.push(stage(fields, &format!("strategy.stages[{index}]"), value));
    }
    let strategy = Strategy {
        name: name?,
        grade: grade?.and_then(of_grade),
        tolerances: tolerances.into_iter().collect::<Option<_>>()?,
        stages: stages.into_iter().collect::<Option<_>>()?,
    };
    Some(strategy.checked("strategy", fields))
}

fn of_grade(grade: PbGrade) -> Option<Grade> {
    match grade {
        PbGrade::Unspecified => None,
        PbGrade::A => Some(Grade::A),
        PbGrade::B => Some(Grade::B),
        PbGrade::C => Some(Grade::C),
        PbGrade::D => Some(Grade::D),
    }
}

fn stage(fields: &mut Fields, path: &str, value: &pb::Stage) -> Option<Stage> {
    let at = |field: &str| format!("{path}.{field}");
    let name = parse::text(fields, &at("name"), &value.name, NAME_LENGTH_MAX);
    let of: Option<pb::StageOwner> = parse::one_of(fields, &at("owner"), value.owner);
    let tone: Option<Option<pb::NoticeTone>> = parse::optional_one_of(fields, &at("tone"), value.tone);
    let bounds = (Decimal::ZERO, Decimal::ONE_HUNDRED);
    let percent = value.expected_recovery_percent.as_ref();
    let percent = parse::decimal(fields, &at("expected_recovery_percent"), percent, bounds, 2);
    let mut tasks = Vec::new();
    for (index, kind) in value.tasks.iter().take(STAGES_READ_MAX).enumerate() {
        let kind: Option<pb::TaskKind> = parse::one_of(fields, &format!("{path}.tasks[{index}]"), *kind);
        tasks.push(kind.and_then(task_kind));
    }
    Some(Stage {
        number: 0,
        level: 0,
        name: name?,
        from_day: value.from_days_past_due.into(),
        owner: owner(of?)?,
        tone: tone?.and_then(of_tone),
        minimum_interval_days: value.minimum_interval_days.into(),
        tasks: tasks.into_iter().collect::<Option<_>>()?,
        task_days: value.task_days.into(),
        expected_recovery_percent: percent?,
    })
}

fn of_tone(tone: pb::NoticeTone) -> Option<Tone> {
    match tone {
        pb::NoticeTone::Unspecified => None,
        pb::NoticeTone::Reminder => Some(Tone::Reminder),
        pb::NoticeTone::Friendly => Some(Tone::Friendly),
        pb::NoticeTone::Formal => Some(Tone::Formal),
        pb::NoticeTone::Final => Some(Tone::Final),
    }
}

fn task_kind(kind: pb::TaskKind) -> Option<TaskKind> {
    match kind {
        pb::TaskKind::Unspecified => None,
        pb::TaskKind::Call => Some(TaskKind::Call),
        pb::TaskKind::Letter => Some(TaskKind::Letter),
        pb::TaskKind::LegalReview => Some(TaskKind::LegalReview),
        pb::TaskKind::FindAddress => Some(TaskKind::FindAddress),
        pb::TaskKind::BrokenPromise => Some(TaskKind::BrokenPromise),
    }
}

pub(super) fn debtor(fields: &mut Fields, value: Option<&pb::Debtor>) -> Option<Debtor> {
    let Some(value) = value else {
        fields.add("debtor", "is required");
        return None;
    };
    let account_id = parse::id(fields, "debtor.account_id", &value.account_id);
    let name = parse::text(fields, "debtor.name", &value.name, NAME_LENGTH_MAX);
    let language = parse::optional_one_of::<pb::Language>(fields, "debtor.language", value.language);
    parse::at_most(fields, "debtor.emails", &value.emails, EMAILS_MAX);
    for (index, email) in value.emails.iter().take(EMAILS_MAX).enumerate() {
        let path = format!("debtor.emails[{index}]");
        if email.len() > EMAIL_LENGTH_MAX || !channel::is_address(email) {
            fields.add(path, "is no mail address");
        } else if value.emails.iter().take(index).any(|other| other == email) {
            fields.add(path, "is given twice");
        }
    }
    let phone = parse::optional_text(fields, "debtor.phone", &value.phone, PHONE_LENGTH_MAX);
    let salesperson = parse::optional_id(fields, "debtor.salesperson", &value.salesperson);
    Some(Debtor {
        account_id: account_id?,
        name: name?,
        language: match language? {
            Some(pb::Language::ZhCn) => Language::ZhCn,
            _ => Language::En,
        },
        emails: value.emails.clone(),
        phone: phone?,
        salesperson: salesperson?,
        version: 0,
    })
}

pub(super) fn contact(fields: &mut Fields, value: &pb::RecordContactRequest) -> Option<NewContact> {
    let case_id = parse::id(fields, "case_id", &value.case_id);
    let channel: Option<pb::ContactChannel> = parse::one_of(fields, "channel", value.channel);
    let outcome: Option<pb::ContactOutcome> = parse::one_of(fields, "outcome", value.outcome);
    let person = parse::optional_text(fields, "contact_person", &value.contact_person, NAME_LENGTH_MAX);
    let note = note(fields, "note", &value.note);
    let at = parse::optional_instant(fields, "contact_time", value.contact_time.as_ref());
    Some(NewContact {
        case_id: case_id?,
        channel: of_channel(channel?)?,
        outcome: of_outcome(outcome?)?,
        contact_person: person?,
        note: note?,
        contact_at: at?,
    })
}

fn of_channel(channel: pb::ContactChannel) -> Option<ContactChannel> {
    match channel {
        pb::ContactChannel::Unspecified => None,
        pb::ContactChannel::Phone => Some(ContactChannel::Phone),
        pb::ContactChannel::Email => Some(ContactChannel::Email),
        pb::ContactChannel::Letter => Some(ContactChannel::Letter),
        pb::ContactChannel::Chat => Some(ContactChannel::Chat),
        pb::ContactChannel::Visit => Some(ContactChannel::Visit),
    }
}

fn of_outcome(outcome: pb::ContactOutcome) -> Option<ContactOutcome> {
    match outcome {
        pb::ContactOutcome::Unspecified => None,
        pb::ContactOutcome::NotReached => Some(ContactOutcome::NotReached),
        pb::ContactOutcome::Reached => Some(ContactOutcome::Reached),
        pb::ContactOutcome::Promised => Some(ContactOutcome::Promised),
        pb::ContactOutcome::Disputed => Some(ContactOutcome::Disputed),
        pb::ContactOutcome::Refused => Some(ContactOutcome::Refused),
        pb::ContactOutcome::ClaimsPaid => Some(ContactOutcome::ClaimsPaid),
    }
}

pub(super) fn promise(fields: &mut Fields, value: &pb::RecordPromiseRequest) -> Option<NewPromise> {
    let account_id = parse::id(fields, "account_id", &value.account_id);
    let item_id = parse::id(fields, "item_id", &value.item_id);
    let amount = parse::positive_money(fields, "promised_amount", value.promised_amount.as_ref());
    let date = parse::date(fields, "promised_date", value.promised_date.as_ref());
    let grace_days = parse::whole(fields, "grace_days", value.grace_days.into(), (0, GRACE_DAYS_MAX));
    let note = note(fields, "note", &value.note);
    Some(NewPromise {
        account_id: account_id?,
        item_id: item_id?,
        amount: amount?,
        date: date?,
        grace_days: grace_days?,
        note: note?,
    })
}

/// A note for people: lines are kept, other control characters refused.
pub(super) fn note(fields: &mut Fields, path: &str, text: &str) -> Option<String> {
    let one_line = text.replace(['\n', '\t'], " ");
    parse::optional_text(fields, path, &one_line, NOTE_LENGTH_MAX).map(|_| text.to_owned())
}
