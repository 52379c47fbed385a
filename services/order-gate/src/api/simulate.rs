//! What a simulation tells, written to messages.

use weir_model::{Currency, Money};
use weir_wire::{
    common::v1::Grade as WireGrade,
    emit::{date, money},
    order_gate::v1 as wire,
};

use super::emit;
use crate::facade::Simulated;
use crate::simulation::{Key, Shift, Sum, Tally, grade};

pub(super) fn step(simulated: Simulated) -> wire::SimulatePolicyResponse {
    use wire::simulate_policy_response::Step;
    let step = match simulated {
        Simulated::Progress { position, last, tally } => Step::Progress(wire::SimulationProgress {
            position,
            last_position: last,
            replayed_count: tally.replayed,
            changed_count: tally.changed,
        }),
        Simulated::Change { was, would_be } => Step::Change(wire::SimulatedChange {
            decision_id: was.decision_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            order_id: was.order_id.to_string(),
            revision: was.revision,
            account_id: was.account_id.to_string(),
            grade: grade(&was).map_or(WireGrade::Unspecified, emit::grade).into(),
            business_date: Some(date(was.business_date)),
            required_amount: Some(money(Money::new(was.verdict.required, was.currency))),
            was: emit::outcome(was.verdict.outcome).into(),
            would_be: emit::outcome(would_be.outcome).into(),
            failures: would_be.failures.iter().map(|f| emit::failure(f, was.currency)).collect(),
        }),
        Simulated::Done(tally) => Step::Summary(summary(&tally)),
    };
    wire::SimulatePolicyResponse { step: Some(step) }
}

fn summary(tally: &Tally) -> wire::SimulationSummary {
    wire::SimulationSummary {
        replayed_count: tally.replayed,
        changed_count: tally.changed,
        not_replayable_count: tally.not_replayable,
        lines: tally.shifts.iter().map(|(key, shift)| line(*key, *shift)).collect(),
    }
}

fn line(key: Key, shift: Shift) -> wire::SimulationLine {
    wire::SimulationLine {
        grade: key.grade.map_or(WireGrade::Unspecified, emit::grade).into(),
        rule: key.rule.map_or(wire::Rule::Unspecified, emit::rule).into(),
        newly_stopped_count: shift.stopped.count,
        newly_stopped_amount: Some(amount(shift.stopped, key.currency)),
        newly_passed_count: shift.passed.count,
        newly_passed_amount: Some(amount(shift.passed, key.currency)),
    }
}

/// Beyond 64 bits the most there is: a sum over many decisions, told for people.
fn amount(sum: Sum, currency: Currency) -> weir_wire::google::r#type::Money {
    money(Money::new(i64::try_from(sum.amount).unwrap_or(i64::MAX), currency))
}
