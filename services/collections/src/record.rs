//! What is kept of cases, tasks, promises, notices, runs and strategies, as it is stored and answered. No rules.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{
    AccountId, CaseId, CorrelationId, Currency, HoldId, ItemId, Money, NoticeId, StrategyId, SubjectId, TaskId,
};

use crate::{
    case::{CaseState, Course},
    notice::{Language, Listed, NoticeKind, NoticeState},
    pause::{Pause, PauseKind},
    promise::{Promise, PromiseState},
    strategy::{Owner, Strategy, StrategyState, TaskKind, Tone},
    task::TaskState,
};

/// A strategy with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrategyRecord {
    /// Its id; none where it was only checked.
    pub strategy_id: Option<StrategyId>,
    /// What it says.
    pub strategy: Strategy,
    /// Where it stands.
    pub state: StrategyState,
    /// Who made it.
    pub created_by: SubjectId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who activated it, and when.
    pub activated: Option<(SubjectId, DateTime<Utc>)>,
    /// Goes up with each change.
    pub version: i64,
}

/// A case as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRecord {
    /// Its id.
    pub case_id: CaseId,
    /// The account.
    pub account_id: AccountId,
    /// The currency.
    pub currency: Currency,
    /// Where it stands.
    pub state: CaseState,
    /// Its course as last computed.
    pub course: Course,
    /// Business date it was opened.
    pub opened_date: NaiveDate,
    /// Business date it was closed.
    pub closed_date: Option<NaiveDate>,
    /// Business date of its last notice that was sent.
    pub last_notice_date: Option<NaiveDate>,
    /// Goes up with each change.
    pub version: i64,
}

/// A task as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Its id.
    pub task_id: TaskId,
    /// The case.
    pub case_id: CaseId,
    /// The account.
    pub account_id: AccountId,
    /// What to do.
    pub kind: TaskKind,
    /// Number of the stage that asked for it; 0 for none.
    pub stage: i64,
    /// The strategy that numbers it so; none where no stage asked.
    #[serde(default)]
    pub strategy_id: Option<StrategyId>,
    /// Name of the stage.
    #[serde(default)]
    pub stage_name: String,
    /// First day of the stage, in days past due.
    #[serde(default)]
    pub stage_day: Option<i64>,
    /// The item that asked for it.
    pub item_id: ItemId,
    /// Department it belongs to.
    pub owner: Owner,
    /// Person it belongs to.
    pub assignee: Option<SubjectId>,
    /// By when.
    pub due_date: NaiveDate,
    /// Where it stands.
    pub state: TaskState,
    /// What came of it, or why it was closed.
    pub note: String,
    /// Who did it.
    pub done_by: Option<SubjectId>,
    /// When it was done or closed.
    pub ended_at: Option<DateTime<Utc>>,
    /// Goes up with each change.
    pub version: i64,
}

/// A promise as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseRecord {
    /// The promise.
    pub promise: Promise,
    /// The account.
    pub account_id: AccountId,
    /// The case that was open when it was given.
    pub case_id: Option<CaseId>,
    /// Where it stands.
    pub state: PromiseState,
    /// Business date it was judged.
    pub judged_date: Option<NaiveDate>,
    /// Who gave the word, and anything else.
    pub note: String,
    /// Who recorded it.
    pub recorded_by: SubjectId,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Goes up with each change.
    pub version: i64,
}

/// A pause as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PauseRecord {
    /// Its number; goes up with each that is set.
    pub number: i64,
    /// The account.
    pub account_id: AccountId,
    /// The pause.
    pub pause: Pause,
    /// Why the clock stands still.
    pub kind: PauseKind,
    /// Anything else.
    pub note: String,
    /// Who set it.
    pub set_by: SubjectId,
    /// When.
    pub set_at: DateTime<Utc>,
    /// Who lifted it.
    pub lifted_by: Option<SubjectId>,
}

/// A debtor's wish not to be contacted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOut {
    /// The account.
    pub account_id: AccountId,
    /// How the wish came, and anything else.
    pub reason: String,
    /// Who recorded it.
    pub set_by: SubjectId,
    /// When.
    pub set_at: DateTime<Utc>,
}

/// A notice as stored: exactly as it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// Its id.
    pub notice_id: NoticeId,
    /// Whom it is for.
    pub kind: NoticeKind,
    /// The account it is about.
    pub account_id: AccountId,
    /// The case; none for internal notices.
    pub case_id: Option<CaseId>,
    /// The hold; none for notices to debtors.
    pub hold_id: Option<HoldId>,
    /// Number of the stage; 0 for internal notices.
    pub stage: i64,
    /// How it speaks.
    pub tone: Option<Tone>,
    /// The oldest item it is about.
    pub anchor_item_id: Option<ItemId>,
    /// Business date it was made for.
    pub business_date: NaiveDate,
    /// Where it stands.
    pub state: NoticeState,
    /// Addresses it goes to.
    pub recipients: Vec<String>,
    /// Its language.
    pub language: Language,
    /// What it says.
    pub content: Content,
    /// What it lists.
    pub listed: Vec<Listed>,
    /// Sum it asks for.
    pub total: Option<Money>,
    /// Message-ID of the mail.
    pub message_id: String,
    /// What it belongs to.
    pub correlation_id: CorrelationId,
    /// How often sending was tried.
    pub attempts: i64,
    /// When it may be tried next.
    pub next_attempt_at: DateTime<Utc>,
    /// Why it failed or was cancelled.
    pub state_reason: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// Goes up with each change.
    pub version: i64,
}

impl NoticeRecord {
    /// The notice without its words, for the journal: those are kept with the notice.
    pub(crate) fn brief(&self) -> Self {
        let content = Content { text: String::new(), html: String::new(), ..self.content.clone() };
        NoticeRecord { content, ..self.clone() }
    }
}

/// What a notice says, and the template that made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Name of the template.
    pub template: String,
    /// Digest of the template's text.
    pub template_version: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

/// What was done for a date.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunCounts {
    /// Accounts and currencies looked at.
    pub worked: i64,
    /// Cases opened.
    pub opened_cases: i64,
    /// Cases closed.
    pub closed_cases: i64,
    /// Notices queued, by strategy and stage.
    pub queued_notices: BTreeMap<StrategyId, BTreeMap<i64, i64>>,
    /// Unsent notices brought up to date.
    pub replaced_notices: i64,
    /// Unsent notices cancelled.
    pub cancelled_notices: i64,
    /// Notices due without an address.
    pub unaddressed_notices: i64,
    /// Tasks given out.
    pub created_tasks: i64,
    /// Promises judged.
    pub judged_promises: i64,
}

impl RunCounts {
    /// Counts what else was done.
    pub(crate) fn add(&mut self, more: RunCounts) {
        self.worked += more.worked;
        self.opened_cases += more.opened_cases;
        self.closed_cases += more.closed_cases;
        self.replaced_notices += more.replaced_notices;
        self.cancelled_notices += more.cancelled_notices;
        self.unaddressed_notices += more.unaddressed_notices;
        self.created_tasks += more.created_tasks;
        self.judged_promises += more.judged_promises;
        for (strategy_id, by_stage) in more.queued_notices {
            let known = self.queued_notices.entry(strategy_id).or_default();
            for (stage, count) in by_stage {
                *known.entry(stage).or_default() += count;
            }
        }
    }
}

/// Cases in one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCount {
    /// The strategy.
    pub strategy_id: StrategyId,
    /// Number of the stage.
    pub stage: i64,
    /// Its name.
    pub stage_name: String,
    /// Open cases in it.
    pub cases: i64,
    /// Notices queued for it.
    pub queued_notices: i64,
}

/// What a run answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub run_id: String,
    /// The business date.
    pub business_date: NaiveDate,
    /// What it did.
    pub counts: RunCounts,
    /// Open cases by stage.
    pub stages: Vec<StageCount>,
}
