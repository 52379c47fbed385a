//! Facts from messages.

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{Clock, Fields, SubjectId, TextId};
use weir_wire::{assessment::v1 as pb, parse};

use crate::{
    catalogue::{Known, OWN_SOURCES, bounds, is_name, known},
    fact::Fact,
    value::{NUMBER_MAX, NUMBER_SCALE_MAX, Value, ValueKind, WORD_LENGTH_MAX, word_fits},
};

/// Most facts of one intake.
const FACTS_MAX: usize = 1_000;

/// Facts of one intake.
pub(in crate::api) fn facts(fields: &mut Fields, path: &str, facts: &[pb::Fact], clock: &Clock) -> Option<Vec<Fact>> {
    if facts.is_empty() {
        fields.add(path, "must not be empty");
    }
    parse::at_most(fields, path, facts, FACTS_MAX);
    let read: Vec<Option<Fact>> = facts
        .iter()
        .take(FACTS_MAX)
        .enumerate()
        .map(|(i, message)| fact(fields, &format!("{path}[{i}]"), message, clock))
        .collect();
    read.into_iter().collect()
}

fn fact(fields: &mut Fields, path: &str, fact: &pb::Fact, clock: &Clock) -> Option<Fact> {
    let at = |field: &str| format!("{path}.{field}");
    let account_id = parse::id(fields, &at("account_id"), &fact.account_id);
    let value = value(fields, &at("value"), fact.value.as_ref());
    let period_end = parse::optional_date(fields, &at("period_end_date"), fact.period_end_date.as_ref());
    let mut fits = name_fits(fields, path, &fact.name, value.as_ref().map(Value::kind), period_end.flatten());
    if let (Some((least, most)), Some(Value::Number(number))) = (bounds(&fact.name), &value)
        && !(least..=most).contains(number)
    {
        fields.add(at("value.number"), format!("must be between {least} and {most}"));
        fits = false;
    }
    let source = id_text(fields, &at("source"), &fact.source);
    if OWN_SOURCES.contains(&fact.source.as_str()) {
        fields.add(at("source"), "is the system's own");
        return None;
    }
    let document_id = id_text(fields, &at("source_document_id"), &fact.source_document_id);
    let retrieved_at = retrieved(fields, &at("retrieved_time"), fact.retrieved_time.as_ref(), clock);
    let valid_until = parse::optional_date(fields, &at("valid_until_date"), fact.valid_until_date.as_ref());
    let retrieved_date = retrieved_at.map(|instant| clock.date_of(instant));
    parse::in_order(fields, &at("valid_until_date"), retrieved_date, valid_until.flatten());
    if retrieved_date.zip(valid_until.flatten()).is_some_and(|(from, to)| to < from) || !fits {
        return None;
    }
    Some(Fact {
        account_id: account_id?,
        name: fact.name.clone(),
        value: value?,
        period_end: period_end?,
        source: source?,
        document_id: document_id?,
        retrieved_at: retrieved_at?,
        retrieved_date: retrieved_date?,
        valid_until: valid_until?,
    })
}

/// Whether a name may be a fact's, with this kind of value and this period.
fn name_fits(
    fields: &mut Fields,
    path: &str,
    name: &str,
    kind: Option<ValueKind>,
    period_end: Option<NaiveDate>,
) -> bool {
    if !is_name(name) {
        let rule = "must be a lower-case letter, then at most 63 lower-case letters, digits or underscores";
        fields.add(format!("{path}.name"), rule);
        return false;
    }
    let known = known(name);
    let expected = match known {
        Some(Known::Computed) => {
            fields.add(format!("{path}.name"), "is computed and cannot be recorded");
            return false;
        }
        Some(Known::Fact(kind)) => Some(kind),
        Some(Known::Statement) => Some(ValueKind::Number),
        None => None,
    };
    let mut fits = true;
    if let (Some(expected), Some(kind)) = (expected, kind)
        && expected != kind
    {
        fields.add(format!("{path}.value"), format!("{name} takes {}", expected.as_str()));
        fits = false;
    }
    if (known == Some(Known::Statement)) != period_end.is_some() {
        fields.add(format!("{path}.period_end_date"), "must be given for figures of statements, and only for them");
        fits = false;
    }
    fits
}

fn value(fields: &mut Fields, path: &str, value: Option<&pb::FactValue>) -> Option<Value> {
    match value.and_then(|value| value.kind.as_ref()) {
        None => {
            fields.add(path, "is required");
            None
        }
        Some(pb::fact_value::Kind::Number(number)) => {
            let path = format!("{path}.number");
            let bounds = (-NUMBER_MAX, NUMBER_MAX);
            let number = parse::decimal(fields, &path, Some(number), bounds, NUMBER_SCALE_MAX)?;
            Some(Value::Number(number.normalize()))
        }
        Some(pb::fact_value::Kind::Text(text)) => {
            if word_fits(text) {
                return Some(Value::Text(text.clone()));
            }
            let rule = format!("must be 1 to {WORD_LENGTH_MAX} characters without control characters");
            fields.add(format!("{path}.text"), rule);
            None
        }
        Some(pb::fact_value::Kind::Flag(flag)) => Some(Value::Flag(*flag)),
        Some(pb::fact_value::Kind::Date(date)) => {
            parse::date(fields, &format!("{path}.date"), Some(date)).map(Value::Date)
        }
    }
}

fn retrieved(
    fields: &mut Fields,
    path: &str,
    value: Option<&prost_types::Timestamp>,
    clock: &Clock,
) -> Option<DateTime<Utc>> {
    match parse::optional_instant(fields, path, value)? {
        None => {
            fields.add(path, "is required");
            None
        }
        Some(instant) if instant > clock.now() => {
            fields.add(path, "must not be in the future");
            None
        }
        some => some,
    }
}

/// A text with the rules of an identifier.
fn id_text(fields: &mut Fields, path: &str, text: &str) -> Option<String> {
    parse::id::<SubjectId>(fields, path, text).map(|id| TextId::as_str(&id).to_owned())
}
