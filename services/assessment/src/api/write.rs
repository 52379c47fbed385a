//! From the context's words to messages.

use weir_wire::{assessment::v1 as pb, common::v1::Grade as PbGrade, emit};

use crate::{
    PolicyRecord, RecordedFact, ScorecardRecord, VersionedProfile,
    grade::Grade,
    input::{Input, Origin},
    outlook::{Changer, Outlook},
    recommendation::Recommendation,
    record::{Record, State, Summary},
    report::{Adjustment, Report},
    scorecard::{Factor, Scorecard},
    scoring::{DimensionResult, FactorResult},
    value::Value,
};

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

/// A scorecard with its record.
pub(super) fn scorecard(record: &ScorecardRecord) -> pb::Scorecard {
    let problems = record.content.weights_problems();
    pb::Scorecard {
        scorecard_id: record.scorecard_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        content: Some(scorecard_content(&record.content)),
        version: i32::try_from(record.version).unwrap_or(i32::MAX),
        create_time: Some(emit::timestamp(record.created_at)),
        created_by: record.created_by.to_string(),
        effective_dates: record.effective_dates.iter().copied().map(emit::date).collect(),
        activation_problems: problems.iter().map(ToString::to_string).collect(),
    }
}

fn scorecard_content(content: &Scorecard) -> pb::ScorecardContent {
    let dimensions = content.dimensions.iter().map(|dimension| pb::ScorecardDimension {
        name: dimension.name.clone(),
        title: dimension.title.clone(),
        weight_percent: Some(emit::decimal(dimension.weight)),
        factors: dimension.factors.iter().map(scorecard_factor).collect(),
    });
    let knock_outs = content.knock_outs.iter().map(|rule| pb::KnockOutRule {
        code: rule.code.clone(),
        title: rule.title.clone(),
        input: rule.input.clone(),
        words: rule.words.clone(),
    });
    pb::ScorecardContent {
        name: content.name.clone(),
        description: content.description.clone(),
        dimensions: dimensions.collect(),
        knock_outs: knock_outs.collect(),
    }
}

fn scorecard_factor(factor: &Factor) -> pb::ScorecardFactor {
    let mapping = factor
        .mapping
        .iter()
        .map(|entry| pb::WordNumber { word: entry.word.clone(), number: Some(emit::decimal(entry.number)) });
    let bins = factor.bins.iter().map(|bin| pb::NumberBin {
        low: bin.low.map(emit::decimal),
        high: bin.high.map(emit::decimal),
        points: Some(emit::decimal(bin.points)),
    });
    let categories = factor
        .categories
        .iter()
        .map(|category| pb::WordCategory { word: category.word.clone(), points: Some(emit::decimal(category.points)) });
    pb::ScorecardFactor {
        name: factor.name.clone(),
        title: factor.title.clone(),
        input: factor.input.clone(),
        weight_percent: Some(emit::decimal(factor.weight)),
        mapping: mapping.collect(),
        bins: bins.collect(),
        categories: categories.collect(),
        missing_points: Some(emit::decimal(factor.missing_points)),
        reason_code: factor.reason_code.clone(),
    }
}

/// A grade policy with its record.
pub(super) fn grade_policy(record: &PolicyRecord) -> pb::GradePolicy {
    let policy = &record.content;
    let rules = policy.rules.iter().map(|rule| pb::GradeRule {
        grade: grade(rule.grade).into(),
        score_min: Some(emit::decimal(rule.score_min)),
        limit_ranges: rule
            .limit_ranges
            .iter()
            .map(|range| pb::LimitRange {
                low_amount: range.low_money().ok().map(emit::money),
                high_amount: range.high_money().ok().map(emit::money),
            })
            .collect(),
        terms_days_min: rule.terms_days_min,
        terms_days_max: rule.terms_days_max,
        review_interval_days: rule.review_interval_days,
    });
    pb::GradePolicy {
        policy_id: record.policy_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        content: Some(pb::GradePolicyContent {
            rules: rules.collect(),
            country_rating_min: Some(emit::decimal(policy.country_rating_min)),
            country_grade_cap: grade(policy.country_grade_cap).into(),
        }),
        version: i32::try_from(record.version).unwrap_or(i32::MAX),
        effective_date: Some(emit::date(record.effective_date)),
        create_time: Some(emit::timestamp(record.created_at)),
        created_by: record.created_by.to_string(),
    }
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

fn report(report: &Report) -> pb::AssessmentReport {
    let knock_outs = report.knock_outs.iter().map(|knock_out| pb::KnockOut {
        code: knock_out.code.clone(),
        title: knock_out.title.clone(),
        input: knock_out.input.clone(),
        word: knock_out.word.clone(),
    });
    let reasons = report.reasons.iter().map(|reason| pb::ReasonCode {
        code: reason.code.clone(),
        factor: reason.factor.clone(),
        loss: Some(emit::decimal(reason.loss)),
        missing: reason.missing,
    });
    pb::AssessmentReport {
        scorecard_id: report.scorecard_id.to_string(),
        grade_policy_id: report.policy_id.to_string(),
        model_score: Some(emit::decimal(report.model_score)),
        model_grade: grade(report.model_grade).into(),
        inputs: report.inputs.iter().map(|(name, each)| input(name, each)).collect(),
        dimensions: report.dimensions.iter().map(dimension).collect(),
        knock_outs: knock_outs.collect(),
        country_cap: report.country_cap.as_ref().map(|cap| pb::CountryCap {
            rating: Some(emit::decimal(cap.rating)),
            rating_min: Some(emit::decimal(cap.rating_min)),
            grade_cap: grade(cap.grade_cap).into(),
        }),
        reasons: reasons.collect(),
        outlook: Some(outlook(&report.outlook)),
        recommendation: Some(recommendation(&report.recommendation)),
        adjustment: report.adjustment.as_ref().map(adjustment),
        receivables_position: report.receivables_position,
    }
}

fn input(name: &str, input: &Input) -> pb::AssessmentInput {
    let origin = match input.origin {
        Origin::Fact => pb::InputOrigin::Fact,
        Origin::Receivables => pb::InputOrigin::Receivables,
        Origin::Statements => pb::InputOrigin::Statements,
        Origin::Profile => pb::InputOrigin::Profile,
        Origin::Derived => pb::InputOrigin::Derived,
    };
    pb::AssessmentInput {
        name: name.to_owned(),
        value: Some(value(&input.value)),
        origin: origin.into(),
        source: input.source.clone(),
        source_document_id: input.document_id.clone(),
        known_date: Some(emit::date(input.known_date)),
        valid_until_date: input.valid_until.map(emit::date),
        stale: input.stale,
        period_end_date: input.period_end.map(emit::date),
    }
}

fn dimension(dimension: &DimensionResult) -> pb::DimensionResult {
    pb::DimensionResult {
        name: dimension.name.clone(),
        weight_percent: Some(emit::decimal(dimension.weight)),
        model_points: Some(emit::decimal(dimension.model_points)),
        points: Some(emit::decimal(dimension.points)),
        contribution: Some(emit::decimal(dimension.contribution)),
        factors: dimension.factors.iter().map(factor).collect(),
    }
}

fn factor(factor: &FactorResult) -> pb::FactorResult {
    pb::FactorResult {
        name: factor.name.clone(),
        input: factor.input.clone(),
        weight_percent: Some(emit::decimal(factor.weight)),
        bin: factor.bin.clone(),
        missing: factor.missing,
        stale: factor.stale,
        points: Some(emit::decimal(factor.points)),
        contribution: Some(emit::decimal(factor.contribution)),
        contribution_max: Some(emit::decimal(factor.contribution_max)),
    }
}

fn outlook(outlook: &Outlook) -> pb::GradeOutlook {
    let changers = |changers: &[Changer]| {
        changers
            .iter()
            .map(|changer| pb::GradeChanger {
                factor: changer.factor.clone(),
                input: changer.input.clone(),
                present_bin: changer.present_bin.clone(),
                needed_bin: changer.needed_bin.clone(),
                gain: Some(emit::decimal(changer.gain)),
            })
            .collect()
    };
    pb::GradeOutlook {
        next_grade: outlook.next_grade.map_or(PbGrade::Unspecified, grade).into(),
        points_missing: Some(emit::decimal(outlook.points_missing)),
        changers: changers(&outlook.changers),
        together: changers(&outlook.together),
        obstacles: outlook.obstacles.clone(),
    }
}

fn recommendation(recommendation: &Recommendation) -> pb::Recommendation {
    let lines = recommendation.lines.iter().map(|line| pb::RecommendationLine {
        code: line.code.as_str().to_owned(),
        formula: line.formula.clone(),
        amount: line.amount.map(emit::money),
        binding: line.binding,
    });
    pb::Recommendation {
        limit: Some(emit::money(recommendation.limit)),
        terms_days: recommendation.terms_days,
        lines: lines.collect(),
    }
}

fn adjustment(adjustment: &Adjustment) -> pb::Adjustment {
    let dimensions = adjustment.dimensions.iter().map(|dimension| pb::DimensionAdjustment {
        dimension: dimension.dimension.clone(),
        points: Some(emit::decimal(dimension.points)),
    });
    pb::Adjustment {
        grade: adjustment.grade.map_or(PbGrade::Unspecified, grade).into(),
        dimensions: dimensions.collect(),
        reason_code: adjustment.reason_code.clone(),
        note: adjustment.note.clone(),
        author: adjustment.author.to_string(),
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
