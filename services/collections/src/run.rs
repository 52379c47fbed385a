//! One account's debt in one currency, worked for a date: state in, effects out. Promises that working it again on the
//! same date gives no further effect, and at most one notice. Knows no clock and no storage.

mod work;

use chrono::NaiveDate;
use weir_model::{CaseId, Currency, ItemId, Money, NoticeId, PromiseId, SubjectId, TaskId};

pub(crate) use work::plan;

use crate::{
    case::{Course, OpenCase},
    item::Item,
    notice::{Listed, Unsent},
    promise::{Promise, PromiseState},
    strategy::{Owner, TaskKind},
    suppression::Consent,
    task::Task,
};

/// What the work is done for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A run for a business date.
    Run,
    /// Something changed since: only what must not wait is done. Nothing is opened, judged, given out or queued.
    Change,
}

/// Whether a notice could reach the debtor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    /// There is an address.
    Known,
    /// There is none.
    Missing,
}

/// Everything about an account's debt in one currency.
#[derive(Debug, Clone)]
pub(crate) struct Dossier {
    /// The currency.
    pub currency: Currency,
    /// Items with something open.
    pub items: Vec<Item>,
    /// Open promises.
    pub promises: Vec<Promise>,
    /// The open case.
    pub case: Option<OpenCase>,
    /// All tasks of the open case.
    pub tasks: Vec<Task>,
    /// The notice that has not been sent.
    pub unsent: Option<Unsent>,
    /// Business date of the last notice that was sent.
    pub last_sent: Option<NaiveDate>,
    /// Whether a notice could reach the debtor.
    pub address: Address,
    /// Whether the debtor may be contacted.
    pub consent: Consent,
    /// Credit that is not allocated yet.
    pub credit: Money,
    /// Who works the sales stages.
    pub salesperson: Option<SubjectId>,
}

impl Dossier {
    /// A dossier with nothing in it.
    pub(crate) fn empty(currency: Currency) -> Self {
        Dossier {
            currency,
            items: Vec::new(),
            promises: Vec::new(),
            case: None,
            tasks: Vec::new(),
            unsent: None,
            last_sent: None,
            address: Address::Missing,
            consent: Consent::Given,
            credit: Money::zero(currency),
            salesperson: None,
        }
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A promise is judged.
    JudgePromise {
        /// The promise.
        promise_id: PromiseId,
        /// How.
        state: PromiseState,
    },
    /// A case is opened on this course.
    OpenCase {
        /// Its course.
        course: Course,
    },
    /// The case takes another course.
    Steer {
        /// The case.
        case_id: CaseId,
        /// Its new course.
        course: Course,
    },
    /// The case is closed.
    CloseCase {
        /// The case.
        case_id: CaseId,
    },
    /// A task is given out.
    GiveTask {
        /// What to do.
        kind: TaskKind,
        /// The stage that asks for it.
        stage: i64,
        /// The item that asks for it.
        item_id: ItemId,
        /// Who is to do it.
        owner: Owner,
        /// The person, where one is known.
        assignee: Option<SubjectId>,
        /// By when.
        due_date: NaiveDate,
    },
    /// A task is no longer needed.
    CloseTask {
        /// The task.
        task_id: TaskId,
        /// Why.
        reason: &'static str,
    },
    /// A notice is queued.
    QueueNotice(Draft),
    /// An unsent notice is brought up to date.
    ReplaceNotice {
        /// The notice.
        notice_id: NoticeId,
        /// What it says now.
        draft: Draft,
    },
    /// An unsent notice never leaves.
    CancelNotice {
        /// The notice.
        notice_id: NoticeId,
        /// Why.
        reason: &'static str,
    },
}

/// What a notice is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Number of the stage.
    pub stage: i64,
    /// The oldest item it is about.
    pub anchor_item_id: ItemId,
    /// The items it lists, oldest first.
    pub listed: Vec<Listed>,
}

/// What is to be done about one dossier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The effects, in order.
    pub effects: Vec<Effect>,
    /// The dunning level of this currency, from scratch.
    pub level: i64,
    /// Number of the stage of the case that is open afterwards.
    pub stage: Option<i64>,
    /// Whether a notice was due that has no address to go to.
    pub unaddressed: bool,
}
