//! A scorecard is data: dimensions, their factors, the bins of each, points, and rules that beat the score.
//!
//! Checked once when it is made; never changed afterwards. Knows no account.

mod check;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use check::{BinsProblem, WeightsProblem};

/// How inputs become points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scorecard {
    /// Name its versions share.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What is scored; weights sum to 100 %.
    pub dimensions: Vec<Dimension>,
    /// What beats the score.
    #[serde(default)]
    pub knock_outs: Vec<KnockOutRule>,
}

/// A group of factors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Name, unique in the scorecard.
    pub name: String,
    /// Title for a person.
    #[serde(default)]
    pub title: String,
    /// Share of the score in percent.
    pub weight: Decimal,
    /// What is scored; weights sum to 100 %.
    pub factors: Vec<Factor>,
}

/// One thing that is scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factor {
    /// Name, unique in the scorecard.
    pub name: String,
    /// Title for a person.
    #[serde(default)]
    pub title: String,
    /// Name of the fact or computed input.
    pub input: String,
    /// Share of the dimension in percent.
    pub weight: Decimal,
    /// Code of the reason for lost points.
    pub reason_code: String,
    /// Points when the input is missing: the explicit missing bin.
    pub missing_points: Decimal,
    /// Numbers for words, before the bins.
    #[serde(default)]
    pub mapping: Vec<WordNumber>,
    /// Points by number.
    #[serde(default)]
    pub bins: Vec<Bin>,
    /// Points by word.
    #[serde(default)]
    pub categories: Vec<Category>,
}

/// The number a word stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordNumber {
    /// The word.
    pub word: String,
    /// The number.
    pub number: Decimal,
}

/// Points for the numbers of a half-open range `[low, high)`; an end that is none is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// First number of the bin.
    pub low: Option<Decimal>,
    /// First number after it.
    pub high: Option<Decimal>,
    /// Points.
    pub points: Decimal,
}

impl Bin {
    /// Whether a number lies in the bin.
    pub fn holds(&self, number: Decimal) -> bool {
        self.low.is_none_or(|low| number >= low) && self.high.is_none_or(|high| number < high)
    }

    /// The bin as a person writes it: `[30, 60)`, `below 30`, `60 and more`.
    pub fn label(&self) -> String {
        match (self.low, self.high) {
            (None, None) => "any".to_owned(),
            (None, Some(high)) => format!("below {high}"),
            (Some(low), None) => format!("{low} and more"),
            (Some(low), Some(high)) => format!("[{low}, {high})"),
        }
    }
}

/// Points for a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// The word.
    pub word: String,
    /// Points.
    pub points: Decimal,
}

/// A rule that gives D whatever the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnockOutRule {
    /// Code, unique in the scorecard.
    pub code: String,
    /// What it means, for a person.
    #[serde(default)]
    pub title: String,
    /// Name of the fact or computed input.
    pub input: String,
    /// Words that knock out.
    pub words: Vec<String>,
}

impl Scorecard {
    /// Every factor with its dimension, in the scorecard's order.
    pub fn factors(&self) -> impl Iterator<Item = (&Dimension, &Factor)> {
        self.dimensions.iter().flat_map(|dimension| dimension.factors.iter().map(move |factor| (dimension, factor)))
    }
}
