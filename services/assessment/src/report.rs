//! The assessment report: everything put together, from inputs to recommendation, with every reason.
//!
//! A function of its arguments alone: no clock, no storage, no id. The same arguments give the same report.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{PolicyId, ScorecardId, SubjectId};

use crate::{
    behaviour::Behaviour,
    catalogue::COUNTRY_RATING,
    fact::Fact,
    fulfilment::Fulfilment,
    grade::{Grade, GradePolicy},
    input::{Inputs, gather},
    knockout::{KnockOut, knock_outs},
    outlook::{COUNTRY_OBSTACLE, Outlook, outlook},
    profile::Profile,
    recommendation::{Recommendation, RecommendationError, recommend},
    scorecard::Scorecard,
    scoring::{DimensionResult, score},
};

/// Most reasons told.
const REASONS_MAX: usize = 5;

/// Points in place of a dimension's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionAdjustment {
    /// Name of the dimension.
    pub dimension: String,
    /// Points, 0 to 100.
    pub points: Decimal,
}

/// What an expert changed, and why. The model's own score stays beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Grade in place of the score's.
    pub grade: Option<Grade>,
    /// Points in place of dimensions'.
    pub dimensions: Vec<DimensionAdjustment>,
    /// Code of the reason.
    pub reason_code: String,
    /// Reason in the expert's words.
    pub note: String,
    /// Who adjusted.
    pub author: SubjectId,
}

/// Why points were lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonCode {
    /// Code in the scorecard.
    pub code: String,
    /// The factor.
    pub factor: String,
    /// What it cost.
    pub loss: Decimal,
    /// Whether because the input is missing.
    pub missing: bool,
}

/// The grade was capped by the country's rating.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountryCap {
    /// The rating.
    pub rating: Decimal,
    /// The least rating without a cap.
    pub rating_min: Decimal,
    /// The best grade allowed.
    pub grade_cap: Grade,
}

/// Why an assessment came out as it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The scorecard version used.
    pub scorecard_id: ScorecardId,
    /// The policy version used.
    pub policy_id: PolicyId,
    /// The grade that counts.
    pub grade: Grade,
    /// The score that counts.
    pub score: Decimal,
    /// The model's own grade.
    pub model_grade: Grade,
    /// The model's own score.
    pub model_score: Decimal,
    /// Date by which to assess again.
    pub review_date: NaiveDate,
    /// Every input known.
    pub inputs: Inputs,
    /// Points by dimension and factor.
    pub dimensions: Vec<DimensionResult>,
    /// Knock-outs that held.
    pub knock_outs: Vec<KnockOut>,
    /// The cap, if the country's rating set one.
    pub country_cap: Option<CountryCap>,
    /// The largest losses, largest first.
    pub reasons: Vec<ReasonCode>,
    /// What would give a better grade.
    pub outlook: Outlook,
    /// Limit and terms with the arithmetic.
    pub recommendation: Recommendation,
    /// The expert's adjustment.
    pub adjustment: Option<Adjustment>,
    /// Position of receivables' feed that the behaviour counts up to.
    pub receivables_position: i64,
    /// Position of the order gate's feed that the orders count up to.
    #[serde(default)]
    pub order_gate_position: i64,
}

/// Positions of the feeds of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Followed {
    /// Receivables'.
    pub receivables: i64,
    /// The order gate's.
    pub order_gate: i64,
}

/// What an assessment is made from.
#[derive(Debug, Clone)]
pub struct Case<'c> {
    /// The account.
    pub profile: &'c Profile,
    /// Its facts, in the order they were recorded.
    pub facts: &'c [Fact],
    /// How it pays, as far as it was known at the date; none when nothing was.
    pub behaviour: Option<&'c Behaviour>,
    /// What became of its orders; none when none was closed.
    pub fulfilment: Option<&'c Fulfilment>,
    /// How much of other contexts is known.
    pub followed: Followed,
    /// The scorecard in use.
    pub scorecard: (&'c ScorecardId, &'c Scorecard),
    /// The policy in use.
    pub policy: (&'c PolicyId, &'c GradePolicy),
    /// The expert's adjustment.
    pub adjustment: Option<&'c Adjustment>,
    /// The date to assess for.
    pub as_of: NaiveDate,
}

/// Why an account cannot be assessed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssessError {
    /// Deliveries cross a border and nobody has rated the country.
    #[error("the account is cross-border and its country has no rating")]
    CountryRatingMissing,
    /// An adjustment names a dimension the scorecard does not have.
    #[error("the scorecard has no dimension {name}")]
    UnknownDimension {
        /// Its place in the list.
        index: usize,
        /// Its name.
        name: String,
    },
    /// No limit can be recommended.
    #[error(transparent)]
    Recommendation(#[from] RecommendationError),
}

/// Assesses an account.
pub fn assess(case: &Case<'_>) -> Result<Report, AssessError> {
    let (scorecard_id, scorecard) = case.scorecard;
    let (policy_id, policy) = case.policy;
    let inputs = gather(case.profile, case.facts, case.behaviour, case.fulfilment, case.as_of);
    let rating = inputs.get(COUNTRY_RATING).and_then(|input| input.value.number());
    if case.profile.cross_border && rating.is_none() {
        return Err(AssessError::CountryRatingMissing);
    }
    let overrides = case.adjustment.map_or(&[][..], |adjustment| &adjustment.dimensions);
    for (index, dimension) in overrides.iter().enumerate() {
        if !scorecard.dimensions.iter().any(|known| known.name == dimension.dimension) {
            return Err(AssessError::UnknownDimension { index, name: dimension.dimension.clone() });
        }
    }
    let scored = score(scorecard, &inputs, overrides);
    let knock_outs = knock_outs(&scorecard.knock_outs, &inputs);
    let proposed =
        case.adjustment.and_then(|adjustment| adjustment.grade).unwrap_or_else(|| policy.grade_of(scored.score));
    let country_cap =
        rating.filter(|rating| *rating < policy.country_rating_min && proposed < policy.country_grade_cap).map(
            |rating| CountryCap { rating, rating_min: policy.country_rating_min, grade_cap: policy.country_grade_cap },
        );
    let capped = country_cap.as_ref().map_or(proposed, |cap| proposed.max(cap.grade_cap));
    let grade = if knock_outs.is_empty() { capped } else { Grade::D };
    let mut obstacles: Vec<String> = knock_outs.iter().map(|knock_out| knock_out.code.clone()).collect();
    if country_cap.is_some() && knock_outs.is_empty() {
        obstacles.push(COUNTRY_OBSTACLE.to_owned());
    }
    Ok(Report {
        scorecard_id: scorecard_id.clone(),
        policy_id: policy_id.clone(),
        grade,
        score: scored.score,
        model_grade: policy.grade_of(scored.model_score),
        model_score: scored.model_score,
        review_date: policy.rule(grade).map_or(case.as_of, |rule| rule.review_date(case.as_of)),
        reasons: reasons(&scored.dimensions),
        outlook: outlook(scorecard, &scored, policy, grade, obstacles),
        recommendation: recommend(policy, grade, scored.score, case.profile)?,
        inputs,
        dimensions: scored.dimensions,
        knock_outs,
        country_cap,
        adjustment: case.adjustment.cloned(),
        receivables_position: case.followed.receivables,
        order_gate_position: case.followed.order_gate,
    })
}

/// The largest losses, largest first; of equal ones the scorecard's order decides. Dimensions an expert set lose
/// nothing by their factors.
fn reasons(dimensions: &[DimensionResult]) -> Vec<ReasonCode> {
    let mut reasons: Vec<ReasonCode> = dimensions
        .iter()
        .filter(|dimension| !dimension.adjusted)
        .flat_map(|dimension| &dimension.factors)
        .map(|factor| ReasonCode {
            code: factor.reason_code.clone(),
            factor: factor.name.clone(),
            loss: (factor.contribution_max - factor.contribution).normalize(),
            missing: factor.missing,
        })
        .filter(|reason| !reason.loss.is_zero())
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.loss));
    reasons.truncate(REASONS_MAX);
    reasons
}
