//! From inputs to a score: exact decimal arithmetic, rounded once, at the end, to two decimals half to even.
//!
//! A factor adds weight of dimension × weight of factor × points; nothing else moves the score. The same inputs give
//! the same result, byte for byte.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::{
    input::Inputs,
    report::DimensionAdjustment,
    scorecard::{Dimension, Factor, Scorecard},
    value::Value,
};

/// Decimals of a score.
const SCORE_SCALE: u32 = 2;

/// Points of a factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorResult {
    /// Name in the scorecard.
    pub name: String,
    /// Name of the input.
    pub input: String,
    /// Share of the dimension in percent.
    pub weight: Decimal,
    /// Code of the reason for lost points.
    pub reason_code: String,
    /// The bin or category that held.
    pub bin: String,
    /// Whether the input was missing, or a word the scorecard does not know.
    pub missing: bool,
    /// Whether the input was stale.
    pub stale: bool,
    /// Points, 0 to 100.
    pub points: Decimal,
    /// What it adds to the score.
    pub contribution: Decimal,
    /// What it could add at most: 100 points.
    pub contribution_max: Decimal,
}

/// Points of a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionResult {
    /// Name in the scorecard.
    pub name: String,
    /// Share of the score in percent.
    pub weight: Decimal,
    /// Points of the model: the weighted mean of the factors.
    pub model_points: Decimal,
    /// Points that count: an expert's, or the model's.
    pub points: Decimal,
    /// What it adds to the score.
    pub contribution: Decimal,
    /// Whether an expert set the points.
    pub adjusted: bool,
    /// Its factors.
    pub factors: Vec<FactorResult>,
}

/// A scorecard applied to inputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// Dimensions in the scorecard's order.
    pub dimensions: Vec<DimensionResult>,
    /// The score of the model alone.
    pub model_score: Decimal,
    /// The score with the expert's points.
    pub score: Decimal,
    /// The same before rounding.
    pub score_unrounded: Decimal,
}

/// Applies a scorecard.
pub fn score(scorecard: &Scorecard, inputs: &Inputs, adjustments: &[DimensionAdjustment]) -> Scored {
    let dimensions: Vec<DimensionResult> = scorecard
        .dimensions
        .iter()
        .map(|dimension| {
            let adjustment = adjustments.iter().find(|adjustment| adjustment.dimension == dimension.name);
            score_dimension(dimension, inputs, adjustment.map(|adjustment| adjustment.points))
        })
        .collect();
    let model: Decimal = dimensions.iter().map(|dimension| share(dimension.weight, dimension.model_points)).sum();
    let score: Decimal = dimensions.iter().map(|dimension| dimension.contribution).sum();
    Scored { dimensions, model_score: round_score(model), score: round_score(score), score_unrounded: score }
}

/// A score as it is shown and graded: two decimals, half to even, within 0 to 100.
pub fn round_score(score: Decimal) -> Decimal {
    let clamped = score.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED);
    let mut rounded = clamped.round_dp_with_strategy(SCORE_SCALE, RoundingStrategy::MidpointNearestEven);
    rounded.rescale(SCORE_SCALE);
    rounded
}

fn score_dimension(dimension: &Dimension, inputs: &Inputs, adjusted: Option<Decimal>) -> DimensionResult {
    let factors: Vec<FactorResult> =
        dimension.factors.iter().map(|factor| score_factor(dimension, factor, inputs)).collect();
    let model_points = factors.iter().map(|factor| share(factor.weight, factor.points)).sum::<Decimal>().normalize();
    let points = adjusted.unwrap_or(model_points);
    DimensionResult {
        name: dimension.name.clone(),
        weight: dimension.weight,
        model_points,
        points,
        contribution: share(dimension.weight, points),
        adjusted: adjusted.is_some(),
        factors,
    }
}

fn score_factor(dimension: &Dimension, factor: &Factor, inputs: &Inputs) -> FactorResult {
    let input = inputs.get(&factor.input);
    let held = input.and_then(|input| factor.hold(&input.value));
    let missing = held.is_none();
    let (bin, points) = held.unwrap_or_else(|| ("missing".to_owned(), factor.missing_points));
    FactorResult {
        name: factor.name.clone(),
        input: factor.input.clone(),
        weight: factor.weight,
        reason_code: factor.reason_code.clone(),
        bin,
        missing,
        stale: input.is_some_and(|input| input.stale),
        points,
        contribution: contribution(dimension, factor, points),
        contribution_max: contribution(dimension, factor, Decimal::ONE_HUNDRED),
    }
}

/// What points of a factor add to the score.
pub(crate) fn contribution(dimension: &Dimension, factor: &Factor, points: Decimal) -> Decimal {
    share(dimension.weight, share(factor.weight, points))
}

/// A percentage of points. Exact: weights and points have at most two decimals, so two shares have at most ten.
fn share(percent: Decimal, points: Decimal) -> Decimal {
    (percent * points * Decimal::new(1, 2)).normalize()
}

impl Factor {
    /// The bin or category that holds a value, with its points; none when nothing does.
    fn hold(&self, value: &Value) -> Option<(String, Decimal)> {
        if self.bins.is_empty() {
            let word = value.word()?;
            return self
                .categories
                .iter()
                .find(|category| category.word == word)
                .map(|category| (category.word.clone(), category.points));
        }
        let number = match value {
            Value::Number(number) => *number,
            other => {
                let word = other.word()?;
                self.mapping.iter().find(|entry| entry.word == word)?.number
            }
        };
        self.bins.iter().find(|bin| bin.holds(number)).map(|bin| (bin.label(), bin.points))
    }

    /// Every bin or category with its points.
    pub(crate) fn outcomes(&self) -> Vec<(String, Decimal)> {
        let bins = self.bins.iter().map(|bin| (bin.label(), bin.points));
        bins.chain(self.categories.iter().map(|category| (category.word.clone(), category.points))).collect()
    }
}
