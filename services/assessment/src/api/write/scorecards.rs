//! Scorecards and grade policies as messages.

use weir_wire::{assessment::v1 as pb, emit};

use super::grade;
use crate::{
    PolicyRecord, ScorecardRecord,
    scorecard::{Factor, Scorecard},
};

/// A scorecard with its record.
pub(in crate::api) fn scorecard(record: &ScorecardRecord) -> pb::Scorecard {
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
pub(in crate::api) fn grade_policy(record: &PolicyRecord) -> pb::GradePolicy {
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
