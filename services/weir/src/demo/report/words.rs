//! What the services' codes are called in a report.

use weir_wire::{
    collections::v1::NextAction,
    common::v1::Grade,
    order_gate::v1::{HoldState, Measure, Outcome, Rule, RuleFailure, WayOut, measure, way_out::Way},
};

use crate::print::{amount_of, decimal};

pub(in super::super) fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Unspecified => "none",
        Grade::A => "A",
        Grade::B => "B",
        Grade::C => "C",
        Grade::D => "D",
    }
}

pub(in super::super) fn outcome(outcome: Outcome) -> String {
    code(outcome.as_str_name(), "OUTCOME_")
}

pub(in super::super) fn hold_state(state: HoldState) -> String {
    code(state.as_str_name(), "HOLD_STATE_")
}

/// A failed rule with what was compared.
pub(in super::super) fn failure(failure: &RuleFailure) -> String {
    let rule = match failure.rule() {
        Rule::Unspecified => "UNKNOWN".to_owned(),
        known => code(known.as_str_name(), "RULE_"),
    };
    let compared = match (&failure.value, &failure.threshold) {
        (Some(value), Some(threshold)) => format!(", {} against {}", measure(value), measure(threshold)),
        _ => String::new(),
    };
    let shortfall = match &failure.shortfall {
        Some(shortfall) => format!(", shortfall {}", amount_of(Some(shortfall))),
        None => String::new(),
    };
    format!("{rule}{compared}{shortfall}: {}", failure.message)
}

fn measure(measured: &Measure) -> String {
    match &measured.measure {
        Some(measure::Measure::Amount(amount)) => amount_of(Some(amount)),
        Some(measure::Measure::Percent(percent)) => format!("{} %", decimal(Some(percent), 2)),
        Some(measure::Measure::Days(days)) => format!("{days} days"),
        Some(measure::Measure::Level(level)) => format!("level {level}"),
        Some(measure::Measure::Milliseconds(ms)) => format!("{ms} ms"),
        Some(measure::Measure::Index(index)) => format!("index {}", decimal(Some(index), 2)),
        None => "–".to_owned(),
    }
}

/// What would make the same order pass.
pub(in super::super) fn way_out(way: &WayOut) -> String {
    match &way.way {
        Some(Way::ReduceOrderTo(amount)) => format!("reduce the order to {}", amount_of(Some(amount))),
        Some(Way::Pay(amount)) => format!("pay {}", amount_of(Some(amount))),
        Some(Way::Prepay(amount)) => format!("pay {} in advance", amount_of(Some(amount))),
        Some(Way::AskTemporaryLimit(amount)) => format!("ask a temporary limit of {} more", amount_of(Some(amount))),
        Some(Way::AskRelease(amount)) => {
            format!("have it released by somebody with authority over {}", amount_of(Some(amount)))
        }
        None => way.message.clone(),
    }
}

pub(in super::super) fn next_action(action: NextAction) -> &'static str {
    match action {
        NextAction::Unspecified => "–",
        NextAction::Wait => "wait",
        NextAction::Call => "call",
        NextAction::Letter => "letter",
        NextAction::LegalReview => "legal review",
        NextAction::FindAddress => "find an address",
        NextAction::DiscussBrokenPromise => "broken promise",
        NextAction::ClearDispute => "clear the dispute",
    }
}

/// A name of a contract without its prefix.
fn code(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}
