//! An assessment's report as a message.

use weir_wire::{assessment::v1 as pb, common::v1::Grade as PbGrade, emit};

use super::{grade, value};
use crate::{
    input::{Input, Origin},
    outlook::{Changer, Outlook},
    recommendation::Recommendation,
    report::{Adjustment, Report},
    scoring::{DimensionResult, FactorResult},
};

/// A report.
pub(super) fn report(report: &Report) -> pb::AssessmentReport {
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
        order_gate_position: report.order_gate_position,
    }
}

fn input(name: &str, input: &Input) -> pb::AssessmentInput {
    let origin = match input.origin {
        Origin::Fact => pb::InputOrigin::Fact,
        Origin::Receivables => pb::InputOrigin::Receivables,
        Origin::OrderGate => pb::InputOrigin::OrderGate,
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
