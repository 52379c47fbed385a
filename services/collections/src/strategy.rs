//! Ladders of stages relative to the due date, as versioned data. Promises that a checked strategy has its stages in
//! strict order, so that every day past due lies in at most one. Knows no case and no storage.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{Currency, Fields, Money};

/// The ladder used until another is activated: sales, finance, legal.
pub(crate) const DEFAULT_TOML: &str = include_str!("strategy/default.toml");

/// How many stages a ladder may have: more than any desk works by hand.
const STAGES_MAX: usize = 32;
/// The earliest first day of a stage, in days past due: a year before.
const FROM_DAY_MIN: i64 = -365;
/// The latest first day of a stage, in days past due: ten years after.
const FROM_DAY_MAX: i64 = 3650;
/// The longest time between notices, and for a task, in days.
const DAYS_MAX: i64 = 365;
/// The longest name, in characters.
const NAME_LENGTH_MAX: usize = 64;

/// The grade of an account, as far as a strategy is chosen by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// Best.
    A,
    /// Good.
    B,
    /// Acceptable.
    C,
    /// No credit.
    D,
}

/// Who works a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The account's salesperson.
    Sales,
    /// The finance department.
    Finance,
    /// Management or the legal department.
    Legal,
}

/// How a notice speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Before the due date, with a statement.
    Reminder,
    /// Shortly after it, assuming an oversight.
    Friendly,
    /// A formal demand.
    Formal,
    /// The last demand before legal steps.
    Final,
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Call the debtor.
    Call,
    /// Send a letter.
    Letter,
    /// Decide about legal steps.
    LegalReview,
    /// Find out where notices can be sent.
    FindAddress,
    /// Talk about a promise that was not kept.
    BrokenPromise,
}

impl TaskKind {
    /// Whether a stage may ask for it; the others come from what happens to a case.
    pub(crate) fn of_a_stage(self) -> bool {
        matches!(self, TaskKind::Call | TaskKind::Letter | TaskKind::LegalReview)
    }
}

/// Where a strategy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyState {
    /// Written, not yet used.
    Draft,
    /// In use.
    Active,
    /// Superseded by another of the same grade.
    Retired,
}

/// One step of a ladder: holds from its first day to the day before the next stage's first day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Place in the ladder, 1 for the earliest.
    #[serde(default)]
    pub number: i64,
    /// What the gate sees: 0 before and on the due date, then 1, 2, 3 and so on.
    #[serde(default)]
    pub level: i64,
    /// Name for people.
    pub name: String,
    /// First day, in days past due; never 0.
    pub from_day: i64,
    /// Who works it.
    pub owner: Owner,
    /// How its notice speaks; none for a stage without one.
    pub tone: Option<Tone>,
    /// Days since the last notice was sent, at least 1.
    pub minimum_interval_days: i64,
    /// What people do.
    #[serde(default)]
    pub tasks: Vec<TaskKind>,
    /// Days a task may take.
    #[serde(default)]
    pub task_days: i64,
    /// Share of an overdue amount expected to come in, in percent.
    pub expected_recovery_percent: Decimal,
}

impl Stage {
    /// Whether the stage lies after the due date.
    pub fn is_overdue(&self) -> bool {
        self.from_day > 0
    }
}

/// A ladder and whom it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// Name for people.
    pub name: String,
    /// The grade it is for; none for every account without a strategy of its grade.
    pub grade: Option<Grade>,
    /// Items that owe less are left alone; at most one amount a currency.
    #[serde(default)]
    pub tolerances: Vec<Money>,
    /// Its stages, earliest first.
    pub stages: Vec<Stage>,
}

impl Strategy {
    /// Numbers the stages of a strategy and notes everything wrong with it, at paths below `path`.
    pub fn checked(mut self, path: &str, fields: &mut Fields) -> Self {
        let name_length = self.name.chars().count();
        if name_length == 0 || name_length > NAME_LENGTH_MAX {
            fields.add(format!("{path}.name"), format!("must have 1 to {NAME_LENGTH_MAX} characters"));
        }
        self.check_tolerances(path, fields);
        if self.stages.is_empty() || self.stages.len() > STAGES_MAX {
            fields.add(format!("{path}.stages"), format!("must be 1 to {STAGES_MAX} stages"));
        } else if !self.stages.iter().any(Stage::is_overdue) {
            fields.add(format!("{path}.stages"), "must have a stage after the due date");
        }
        let (mut number, mut level, mut previous_day) = (0, 0, FROM_DAY_MIN - 1);
        for (index, stage) in self.stages.iter_mut().enumerate() {
            let path = format!("{path}.stages[{index}]");
            number += 1;
            level += i64::from(stage.is_overdue());
            stage.number = number;
            stage.level = level;
            stage.minimum_interval_days =
                if stage.minimum_interval_days == 0 { 1 } else { stage.minimum_interval_days };
            check_stage(stage, previous_day, &path, fields);
            previous_day = stage.from_day;
        }
        self
    }

    fn check_tolerances(&self, path: &str, fields: &mut Fields) {
        for (index, tolerance) in self.tolerances.iter().enumerate() {
            let path = format!("{path}.tolerances[{index}]");
            if !tolerance.is_positive() {
                fields.add(path, "must be positive");
            } else if self.tolerances.iter().take(index).any(|t| t.currency() == tolerance.currency()) {
                fields.add(path, format!("is the second in {}", tolerance.currency()));
            }
        }
    }

    /// The stage of a day: the last one that has begun; none before the first.
    pub fn stage_of(&self, days_past_due: i64) -> Option<&Stage> {
        self.stages.iter().rev().find(|stage| stage.from_day <= days_past_due)
    }

    /// A stage by its number.
    pub fn stage(&self, number: i64) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.number == number)
    }

    /// The amount below which an item is left alone; zero where none is named.
    pub fn tolerance(&self, currency: Currency) -> Money {
        let named = self.tolerances.iter().copied().find(|t| t.currency() == currency);
        named.unwrap_or_else(|| Money::zero(currency))
    }

    /// A stage by its first day.
    pub fn stage_from(&self, day: i64) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.from_day == day)
    }

    /// The stage whose notice is due next for an item that was last dunned at the stage that begins on day `reached`,
    /// of this ladder or another.
    ///
    /// Before the due date a reminder that was missed is moot: the one of the day is taken. After it no stage is
    /// skipped, however late the run: the first stage not yet reached is taken, if its day has come.
    pub fn next_notice(&self, days_past_due: i64, reached: Option<i64>) -> Option<&Stage> {
        let current = self.stage_of(days_past_due)?;
        let is_new = |stage: &Stage| reached.is_none_or(|day| stage.from_day > day);
        if !current.is_overdue() {
            return Some(current).filter(|stage| is_new(stage) && stage.tone.is_some());
        }
        let due = |stage: &&Stage| stage.is_overdue() && is_new(stage) && stage.number <= current.number;
        self.stages.iter().filter(due).find(|stage| stage.tone.is_some())
    }
}

fn check_stage(stage: &Stage, previous_day: i64, path: &str, fields: &mut Fields) {
    let name_length = stage.name.chars().count();
    if name_length == 0 || name_length > NAME_LENGTH_MAX {
        fields.add(format!("{path}.name"), format!("must have 1 to {NAME_LENGTH_MAX} characters"));
    }
    let from = format!("{path}.from_days_past_due");
    if stage.from_day == 0 {
        fields.add(from, "must not be 0: due today is neither early nor overdue");
    } else if !(FROM_DAY_MIN..=FROM_DAY_MAX).contains(&stage.from_day) {
        fields.add(from, format!("must be {FROM_DAY_MIN} to {FROM_DAY_MAX}"));
    } else if stage.from_day <= previous_day {
        fields.add(from, "must be later than the stage before");
    }
    if !stage.is_overdue() && stage.tone.is_some_and(|tone| tone != Tone::Reminder) {
        fields.add(format!("{path}.tone"), "must be a reminder before the due date");
    }
    if !(1..=DAYS_MAX).contains(&stage.minimum_interval_days) {
        fields.add(format!("{path}.minimum_interval_days"), format!("must be 0 to {DAYS_MAX}"));
    }
    for (index, kind) in stage.tasks.iter().enumerate() {
        if !kind.of_a_stage() {
            fields.add(format!("{path}.tasks[{index}]"), "is not given out by stages");
        } else if stage.tasks.iter().take(index).any(|k| k == kind) {
            fields.add(format!("{path}.tasks[{index}]"), "is given twice");
        }
    }
    if !(0..=DAYS_MAX).contains(&stage.task_days) {
        fields.add(format!("{path}.task_days"), format!("must be 0 to {DAYS_MAX}"));
    }
    let percent = stage.expected_recovery_percent;
    if percent.is_sign_negative() && !percent.is_zero() || percent > Decimal::ONE_HUNDRED || percent.scale() > 2 {
        fields.add(format!("{path}.expected_recovery_percent"), "must be 0 to 100 with at most two decimals");
    }
}
