//! Scorecards and grade policies from messages; what makes them well-formed is checked by the rules.

use rust_decimal::Decimal;
use weir_model::Fields;
use weir_wire::{assessment::v1 as pb, google::r#type as google, parse};

use super::{grade, points};
use crate::{
    grade::{GradePolicy, GradeRule, LimitRange},
    scorecard::{Bin, Category, Dimension, Factor, KnockOutRule, Scorecard, WordNumber},
    value::{NUMBER_MAX, NUMBER_SCALE_MAX},
};

/// A scorecard as it was sent; its own checks come later.
pub(in crate::api) fn scorecard(
    fields: &mut Fields,
    path: &str,
    content: Option<&pb::ScorecardContent>,
) -> Option<Scorecard> {
    let Some(content) = content else {
        fields.add(path, "is required");
        return None;
    };
    let dimensions: Vec<Option<Dimension>> = content
        .dimensions
        .iter()
        .enumerate()
        .map(|(i, dimension)| {
            let path = format!("{path}.dimensions[{i}]");
            let weight = points(fields, &format!("{path}.weight_percent"), dimension.weight_percent.as_ref());
            let factors: Vec<Option<Factor>> = dimension
                .factors
                .iter()
                .enumerate()
                .map(|(i, message)| factor(fields, &format!("{path}.factors[{i}]"), message))
                .collect();
            Some(Dimension {
                name: dimension.name.clone(),
                title: dimension.title.clone(),
                weight: weight?,
                factors: factors.into_iter().collect::<Option<_>>()?,
            })
        })
        .collect();
    let knock_outs = content.knock_outs.iter().map(|rule| KnockOutRule {
        code: rule.code.clone(),
        title: rule.title.clone(),
        input: rule.input.clone(),
        words: rule.words.clone(),
    });
    Some(Scorecard {
        name: content.name.clone(),
        description: content.description.clone(),
        knock_outs: knock_outs.collect(),
        dimensions: dimensions.into_iter().collect::<Option<_>>()?,
    })
}

fn factor(fields: &mut Fields, path: &str, factor: &pb::ScorecardFactor) -> Option<Factor> {
    let weight = points(fields, &format!("{path}.weight_percent"), factor.weight_percent.as_ref());
    let missing_points = points(fields, &format!("{path}.missing_points"), factor.missing_points.as_ref());
    let mapping: Vec<Option<WordNumber>> = each(&factor.mapping, |i, entry| {
        let number = number(fields, &format!("{path}.mapping[{i}].number"), entry.number.as_ref());
        Some(WordNumber { word: entry.word.clone(), number: number? })
    });
    let bins: Vec<Option<Bin>> = each(&factor.bins, |i, bin| {
        let path = format!("{path}.bins[{i}]");
        let mut end = |name: &str, end: Option<&google::Decimal>| match end {
            None => Some(None),
            some => number(fields, &format!("{path}.{name}"), some).map(Some),
        };
        let (low, high) = (end("low", bin.low.as_ref()), end("high", bin.high.as_ref()));
        let points = points(fields, &format!("{path}.points"), bin.points.as_ref());
        Some(Bin { low: low?, high: high?, points: points? })
    });
    let categories: Vec<Option<Category>> = each(&factor.categories, |i, category| {
        let points = points(fields, &format!("{path}.categories[{i}].points"), category.points.as_ref());
        Some(Category { word: category.word.clone(), points: points? })
    });
    Some(Factor {
        name: factor.name.clone(),
        title: factor.title.clone(),
        input: factor.input.clone(),
        weight: weight?,
        reason_code: factor.reason_code.clone(),
        missing_points: missing_points?,
        mapping: mapping.into_iter().collect::<Option<_>>()?,
        bins: bins.into_iter().collect::<Option<_>>()?,
        categories: categories.into_iter().collect::<Option<_>>()?,
    })
}

fn each<M, T>(messages: &[M], mut read: impl FnMut(usize, &M) -> Option<T>) -> Vec<Option<T>> {
    messages.iter().enumerate().map(|(i, message)| read(i, message)).collect()
}

fn number(fields: &mut Fields, path: &str, value: Option<&google::Decimal>) -> Option<Decimal> {
    parse::decimal(fields, path, value, (-NUMBER_MAX, NUMBER_MAX), NUMBER_SCALE_MAX).map(|number| number.normalize())
}

/// A grade policy as it was sent; its own checks come later.
pub(in crate::api) fn grade_policy(
    fields: &mut Fields,
    path: &str,
    content: Option<&pb::GradePolicyContent>,
) -> Option<GradePolicy> {
    let Some(content) = content else {
        fields.add(path, "is required");
        return None;
    };
    let rules = each(&content.rules, |i, rule| grade_rule(fields, &format!("{path}.rules[{i}]"), rule));
    let rating = points(fields, &format!("{path}.country_rating_min"), content.country_rating_min.as_ref());
    let cap = parse::one_of(fields, &format!("{path}.country_grade_cap"), content.country_grade_cap).and_then(grade);
    Some(GradePolicy {
        country_rating_min: rating?,
        country_grade_cap: cap?,
        rules: rules.into_iter().collect::<Option<_>>()?,
    })
}

fn grade_rule(fields: &mut Fields, path: &str, rule: &pb::GradeRule) -> Option<GradeRule> {
    let named = parse::one_of(fields, &format!("{path}.grade"), rule.grade).and_then(grade);
    let score_min = points(fields, &format!("{path}.score_min"), rule.score_min.as_ref());
    let ranges = each(&rule.limit_ranges, |i, range| {
        let path = format!("{path}.limit_ranges[{i}]");
        let low = parse::non_negative_money(fields, &format!("{path}.low_amount"), range.low_amount.as_ref());
        let high_path = format!("{path}.high_amount");
        let high = parse::non_negative_money(fields, &high_path, range.high_amount.as_ref());
        let high = parse::in_currency(fields, &high_path, high, low.map(weir_model::Money::currency));
        Some(LimitRange { currency: low?.currency(), low: low?.to_decimal(), high: high?.to_decimal() })
    });
    Some(GradeRule {
        grade: named?,
        score_min: score_min?,
        limit_ranges: ranges.into_iter().collect::<Option<_>>()?,
        terms_days_min: rule.terms_days_min,
        terms_days_max: rule.terms_days_max,
        review_interval_days: rule.review_interval_days,
    })
}
