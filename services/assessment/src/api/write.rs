//! From the context's words to messages.

mod report;
mod scorecards;

use weir_wire::{assessment::v1 as pb, common::v1::Grade as PbGrade, emit};

use self::report::report;
use crate::{
    RecordedFact, VersionedProfile,
    grade::Grade,
    record::{Record, State, Summary},
    value::Value,
};

pub(super) use scorecards::{grade_policy, scorecard};

/// A count as a message carries it.
pub(super) fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Cuts a page read one entry too long; the last entry that stays, where there is more.
pub(super) fn cut<T>(page: &mut Vec<T>, size: i64) -> Option<&T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = page.len() > size;
    page.truncate(size);
    page.last().filter(|_| more)
}

/// A profile; its version is its etag.
pub(super) fn profile(versioned: &VersionedProfile) -> pb::Profile {
    let profile = &versioned.profile;
    pb::Profile {
        account_id: profile.account_id.to_string(),
        legal_name: profile.legal_name.clone(),
        country_code: profile.country.clone(),
        industry_code: profile.industry.clone(),
        cross_border: profile.cross_border,
        currency_code: profile.currency.code().to_owned(),
        requested_limit: profile.requested_limit.map(emit::money),
        daily_sales_amount: profile.daily_sales.map(emit::money),
        etag: versioned.version.to_string(),
    }
}

/// A fact with its record.
pub(super) fn recorded_fact(recorded: &RecordedFact) -> pb::RecordedFact {
    let fact = &recorded.fact;
    pb::RecordedFact {
        fact: Some(pb::Fact {
            account_id: fact.account_id.to_string(),
            name: fact.name.clone(),
            value: Some(value(&fact.value)),
            period_end_date: fact.period_end.map(emit::date),
            source: fact.source.clone(),
            source_document_id: fact.document_id.clone(),
            retrieved_time: Some(emit::timestamp(fact.retrieved_at)),
            valid_until_date: fact.valid_until.map(emit::date),
        }),
        record_time: Some(emit::timestamp(recorded.recorded_at)),
        recorded_by: recorded.recorded_by.to_string(),
    }
}

fn value(value: &Value) -> pb::FactValue {
    let kind = match value {
        Value::Number(number) => pb::fact_value::Kind::Number(emit::decimal(*number)),
        Value::Text(text) => pb::fact_value::Kind::Text(text.clone()),
        Value::Flag(flag) => pb::fact_value::Kind::Flag(*flag),
        Value::Date(date) => pb::fact_value::Kind::Date(emit::date(*date)),
    };
    pb::FactValue { kind: Some(kind) }
}

/// An assessment with its report.
pub(super) fn assessment(record: &Record) -> pb::Assessment {
    pb::Assessment { report: Some(report(&record.report)), ..summary(&record.summary) }
}

/// An assessment without its report.
pub(super) fn summary(summary: &Summary) -> pb::Assessment {
    pb::Assessment {
        assessment_id: summary.assessment_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        account_id: summary.account_id.to_string(),
        as_of_date: Some(emit::date(summary.as_of)),
        state: state(summary.state).into(),
        grade: grade(summary.grade).into(),
        score: Some(emit::decimal(summary.score)),
        recommended_limit: Some(emit::money(summary.limit)),
        recommended_terms_days: summary.terms_days,
        review_date: Some(emit::date(summary.review_date)),
        create_time: Some(emit::timestamp(summary.created_at)),
        created_by: summary.created_by.to_string(),
        decided_by: summary.decided_by.as_ref().map(ToString::to_string).unwrap_or_default(),
        decide_time: summary.decided_at.map(emit::timestamp),
        report: None,
    }
}

/// A grade.
pub(super) const fn grade(grade: Grade) -> PbGrade {
    match grade {
        Grade::A => PbGrade::A,
        Grade::B => PbGrade::B,
        Grade::C => PbGrade::C,
        Grade::D => PbGrade::D,
    }
}

const fn state(state: State) -> pb::AssessmentState {
    match state {
        State::PendingApproval => pb::AssessmentState::PendingApproval,
        State::Approved => pb::AssessmentState::Approved,
        State::Rejected => pb::AssessmentState::Rejected,
    }
}
