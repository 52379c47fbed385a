//! How a dossier is worked: promises judged, items looked at, the case steered, tasks given out, at most one notice.

use chrono::NaiveDate;
use weir_model::{ItemId, MoneyError, StrategyId, add_days};

use super::{Address, Dossier, Draft, Effect, Occasion, Plan};
use crate::{
    case::{Course, OpenCase},
    dunning,
    item::Item,
    notice::{Listed, Unsent, UnsentState},
    promise::{Promise, PromiseState},
    strategy::{Owner, Stage, Strategy, TaskKind},
    suppression::{Grounds, Suppression, suppressions},
    task::{Task, TaskState},
};
const ITEM_SETTLED: &str = "what it was about is settled";
const CASE_CLOSED: &str = "everything is settled";
const STAGE_PASSED: &str = "the case moved on to another stage";
const ADDRESS_KNOWN: &str = "an address is known now";
const NOTHING_TO_DUN: &str = "nothing is left to ask for";
const ANCHOR_CHANGED: &str = "the oldest item is another one now";
const NO_ADDRESS: &str = "there is no address to send it to";
const NOT_DUE: &str = "no stage is due";

/// Works a dossier for a date.
pub(crate) fn plan(
    dossier: &Dossier,
    strategy_id: &StrategyId,
    strategy: &Strategy,
    today: NaiveDate,
    occasion: Occasion,
) -> Result<Plan, MoneyError> {
    let mut work = Work {
        dossier,
        strategy,
        today,
        occasion,
        effects: Vec::new(),
        active: Vec::new(),
        frozen: Vec::new(),
        unaddressed: false,
    };
    work.cancel_stray();
    let broken = work.judge_promises();
    let in_scope = work.classify()?;
    let of = if work.active.is_empty() { &work.frozen } else { &work.active };
    let course = Course::of(strategy_id, strategy, of.iter().copied(), today);
    let level = dunning::level(work.active.iter().chain(&work.frozen).copied(), strategy, today);
    let stage = work.steer(in_scope, &course);
    if stage.is_some() {
        work.tasks(&course, &broken);
        work.notice(&course)?;
    }
    Ok(Plan { effects: work.effects, level, stage, unaddressed: work.unaddressed })
}

/// Whether the items ask for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// An item worth dunning has reached a stage.
    Worth,
    /// Only items below the tolerance have.
    Crumbs,
    /// None has.
    Nothing,
}

struct Work<'a> {
    dossier: &'a Dossier,
    strategy: &'a Strategy,
    today: NaiveDate,
    occasion: Occasion,
    effects: Vec<Effect>,
    /// Items that are not left alone.
    active: Vec<&'a Item>,
    /// Items nobody is asked for, whose age counts nevertheless.
    frozen: Vec<&'a Item>,
    unaddressed: bool,
}

impl<'a> Work<'a> {
    /// Judges the promises whose day has come; answers the items whose promises were not kept.
    fn judge_promises(&mut self) -> Vec<&'a ItemId> {
        if self.occasion == Occasion::Change {
            return Vec::new();
        }
        let mut broken = Vec::new();
        for promise in &self.dossier.promises {
            if let Some(state) = promise.judge(self.today) {
                self.effects.push(Effect::JudgePromise { promise_id: promise.promise_id.clone(), state });
                if state != PromiseState::Kept {
                    broken.push(&promise.item_id);
                }
            }
        }
        broken
    }

    fn grounds(&self) -> Grounds<'a> {
        let dossier = self.dossier;
        let open = |p: &&Promise| self.occasion == Occasion::Change || p.judge(self.today).is_none();
        Grounds {
            as_of: self.today,
            promised: dossier.promises.iter().filter(open).map(|promise| &promise.item_id).collect(),
            tolerance: self.strategy.tolerance(dossier.currency),
            consent: dossier.consent,
            credit: dossier.credit,
        }
    }

    fn classify(&mut self) -> Result<Scope, MoneyError> {
        let mut scope = Scope::Nothing;
        let suppressed = suppressions(&self.dossier.items, &self.grounds())?;
        for (item, suppressed) in self.dossier.items.iter().zip(suppressed) {
            let reached = self.strategy.stage_of(item.clock(self.today)).is_some();
            match suppressed {
                Some(Suppression::Settled) => continue,
                Some(Suppression::BelowTolerance) if reached && scope == Scope::Nothing => scope = Scope::Crumbs,
                Some(Suppression::BelowTolerance) => {}
                _ if reached => scope = Scope::Worth,
                _ => {}
            }
            match suppressed {
                None => self.active.push(item),
                Some(reason) if reason.freezes() => self.frozen.push(item),
                Some(_) => {}
            }
        }
        self.active.sort_by(|a, b| dunning::by_age(a, b, self.today));
        Ok(scope)
    }

    /// Opens, steers or closes the case; answers the stage of the case that is open afterwards.
    fn steer(&mut self, scope: Scope, course: &Course) -> Option<i64> {
        match &self.dossier.case {
            None if scope == Scope::Worth && self.occasion == Occasion::Run => {
                self.effects.push(Effect::OpenCase { course: course.clone() });
                Some(course.stage)
            }
            None => None,
            Some(case) if scope == Scope::Nothing => {
                self.close(case);
                None
            }
            Some(case) => {
                if case.course != *course {
                    let case_id = case.case_id.clone();
                    self.effects.push(Effect::Steer { case_id, course: course.clone() });
                }
                Some(course.stage)
            }
        }
    }

    fn close(&mut self, case: &OpenCase) {
        for task in self.dossier.tasks.iter().filter(|task| task.state == TaskState::Open) {
            self.effects.push(Effect::CloseTask { task_id: task.task_id.clone(), reason: CASE_CLOSED });
        }
        if let Some(unsent) = self.unsent() {
            self.cancel(unsent, CASE_CLOSED);
        }
        self.effects.push(Effect::CloseCase { case_id: case.case_id.clone() });
    }

    fn tasks(&mut self, course: &Course, broken: &[&ItemId]) {
        let dossier = self.dossier;
        let stage_day = self.day_of(course.stage);
        for task in dossier.tasks.iter().filter(|task| task.state == TaskState::Open) {
            let settled = !dossier.items.iter().any(|item| item.item_id == task.item_id);
            let passed = task.kind.of_a_stage() && stage_day.is_some() && task.stage_day != stage_day;
            let addressed = task.kind == TaskKind::FindAddress && dossier.address == Address::Known;
            let reason = match (settled, passed, addressed) {
                (true, _, _) => ITEM_SETTLED,
                (_, true, _) => STAGE_PASSED,
                (_, _, true) => ADDRESS_KNOWN,
                _ => continue,
            };
            self.effects.push(Effect::CloseTask { task_id: task.task_id.clone(), reason });
        }
        if self.occasion == Occasion::Change {
            return;
        }
        let open_items = dossier.items.iter().map(|item| &item.item_id);
        for item_id in open_items.filter(|id| broken.contains(id)) {
            self.give(TaskKind::BrokenPromise, course.stage, item_id, course.owner, 0);
        }
        let stage = self.strategy.stage(course.stage);
        if let (Some(stage), Some(anchor), false) = (stage, &course.anchor_item_id, self.active.is_empty()) {
            for kind in &stage.tasks {
                if !self.was_given(*kind, stage, anchor) {
                    self.give(*kind, stage.number, anchor, stage.owner, stage.task_days);
                }
            }
        }
    }

    /// The first day of a stage of the present ladder.
    fn day_of(&self, stage: i64) -> Option<i64> {
        self.strategy.stage(stage).map(|stage| stage.from_day)
    }

    /// Whether a task was given and not taken back: one that was closed undone is given again when its stage returns.
    fn was_given(&self, kind: TaskKind, stage: &Stage, item_id: &ItemId) -> bool {
        let given = |t: &&Task| t.kind == kind && t.stage_day == Some(stage.from_day) && t.item_id == *item_id;
        self.dossier.tasks.iter().filter(given).any(|t| t.state != TaskState::Closed)
    }

    fn give(&mut self, kind: TaskKind, stage: i64, item_id: &ItemId, owner: Owner, days: i64) {
        let assignee = self.dossier.salesperson.clone().filter(|_| owner == Owner::Sales);
        let due_date = add_days(self.today, days).unwrap_or(self.today);
        self.effects.push(Effect::GiveTask { kind, stage, item_id: item_id.clone(), owner, assignee, due_date });
    }

    /// The notice that has not been sent: the open case's, or one on its way whatever its case.
    fn unsent(&self) -> Option<&'a Unsent> {
        self.dossier.unsent.as_ref().filter(|unsent| unsent.state == UnsentState::Sending || !self.is_stray(unsent))
    }

    /// Whether a notice was made for another case than the open one.
    fn is_stray(&self, unsent: &Unsent) -> bool {
        self.dossier.case.as_ref().is_none_or(|case| unsent.case_id.as_ref() != Some(&case.case_id))
    }

    /// A notice that was on its way when its case closed, and came back, never leaves.
    fn cancel_stray(&mut self) {
        if let Some(unsent) = self.dossier.unsent.as_ref().filter(|unsent| self.is_stray(unsent)) {
            self.cancel(unsent, CASE_CLOSED);
        }
    }

    fn cancel(&mut self, unsent: &Unsent, reason: &'static str) {
        if unsent.state != UnsentState::Sending {
            self.effects.push(Effect::CancelNotice { notice_id: unsent.notice_id.clone(), reason });
        }
    }

    fn notice(&mut self, course: &Course) -> Result<(), MoneyError> {
        let anchor = self.active.first().copied();
        match (self.unsent(), self.occasion) {
            (Some(unsent), _) if unsent.state == UnsentState::Sending => {}
            (Some(unsent), Occasion::Change) => match anchor {
                None => self.cancel(unsent, NOTHING_TO_DUN),
                Some(anchor) if anchor.item_id != unsent.anchor_item_id => self.cancel(unsent, ANCHOR_CHANGED),
                // the notice keeps the date it was made for: only what is owed changed
                Some(anchor) => match self.stage_of_unsent(unsent) {
                    Some(stage) => self.replace(unsent, stage, anchor, unsent.business_date)?,
                    None => self.cancel(unsent, NOT_DUE),
                },
            },
            (Some(unsent), Occasion::Run) => match anchor.and_then(|anchor| Some((anchor, self.due(anchor)?))) {
                Some((anchor, stage)) => self.replace(unsent, stage, anchor, self.today)?,
                None => self.cancel(unsent, if anchor.is_none() { NOTHING_TO_DUN } else { NOT_DUE }),
            },
            (None, Occasion::Run) => {
                if let Some((anchor, stage)) = anchor.and_then(|anchor| Some((anchor, self.due(anchor)?))) {
                    self.queue(course, stage, anchor)?;
                }
            }
            (None, Occasion::Change) => {}
        }
        Ok(())
    }

    /// The stage an unsent notice was made for, if the present ladder has it.
    fn stage_of_unsent(&self, unsent: &Unsent) -> Option<&'a Stage> {
        let listed = unsent.listed.iter().find(|line| line.item_id == unsent.anchor_item_id);
        let stage = match listed.and_then(|line| line.reached_day) {
            Some(day) => self.strategy.stage_from(day),
            None => self.strategy.stage(unsent.stage),
        };
        stage.filter(|stage| stage.tone.is_some())
    }

    /// The stage whose notice is due for the oldest item, if enough time has passed since the last one.
    fn due(&self, anchor: &Item) -> Option<&'a Stage> {
        let stage = self.strategy.next_notice(anchor.clock(self.today), anchor.reached_day)?;
        let waited = self.dossier.last_sent.map(|last| self.today.signed_duration_since(last).num_days());
        waited.is_none_or(|days| days >= stage.minimum_interval_days.max(1)).then_some(stage)
    }

    fn queue(&mut self, course: &Course, stage: &Stage, anchor: &Item) -> Result<(), MoneyError> {
        if self.dossier.address == Address::Known {
            let draft = self.draft(stage, anchor, self.today)?;
            self.effects.push(Effect::QueueNotice(draft));
            return Ok(());
        }
        self.unaddressed = true;
        let open = |t: &Task| t.kind == TaskKind::FindAddress && t.state == TaskState::Open;
        if !self.dossier.tasks.iter().any(open) && !self.was_given(TaskKind::FindAddress, stage, &anchor.item_id) {
            self.give(TaskKind::FindAddress, stage.number, &anchor.item_id, course.owner, stage.task_days);
        }
        Ok(())
    }

    fn replace(&mut self, unsent: &Unsent, stage: &Stage, anchor: &Item, date: NaiveDate) -> Result<(), MoneyError> {
        if self.dossier.address == Address::Missing {
            self.cancel(unsent, NO_ADDRESS);
            return Ok(());
        }
        let draft = self.draft(stage, anchor, date)?;
        let tried_in_vain = unsent.state == UnsentState::Failed && self.occasion == Occasion::Run;
        let same = !tried_in_vain
            && unsent.business_date == date
            && unsent.stage == draft.stage
            && unsent.anchor_item_id == draft.anchor_item_id
            && unsent.listed == draft.listed;
        if !same {
            self.effects.push(Effect::ReplaceNotice { notice_id: unsent.notice_id.clone(), draft });
        }
        Ok(())
    }

    /// What a notice says: every overdue item, or before the due date every item that has reached a stage.
    fn draft(&self, stage: &Stage, anchor: &Item, date: NaiveDate) -> Result<Draft, MoneyError> {
        let mut listed = Vec::new();
        for item in &self.active {
            let days = item.days_past_due(date);
            let Some(own) = self.strategy.stage_of(item.clock(date)) else { continue };
            if stage.is_overdue() && days <= 0 {
                continue;
            }
            listed.push(Listed {
                item_id: item.item_id.clone(),
                document_number: item.document_number.clone(),
                document_date: item.document_date,
                due_date: item.due_date,
                days_past_due: days,
                amount: item.dunnable()?,
                reached_day: Some(own.from_day.min(stage.from_day)),
            });
        }
        Ok(Draft { stage: stage.number, anchor_item_id: anchor.item_id.clone(), listed })
    }
}
