//! What would give a better grade: the single changes that are enough, or those that together are.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    grade::{Grade, GradePolicy},
    scorecard::Scorecard,
    scoring::{Scored, contribution, round_score},
};

/// Most single changes told.
const CHANGERS_MAX: usize = 10;
/// What the cap of a country is called among the obstacles.
pub const COUNTRY_OBSTACLE: &str = "COUNTRY_RATING";

/// A change of one factor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changer {
    /// The factor.
    pub factor: String,
    /// Name of the input.
    pub input: String,
    /// The bin it is in.
    pub present_bin: String,
    /// The bin it would have to reach.
    pub needed_bin: String,
    /// What the change adds to the score.
    pub gain: Decimal,
}

/// What would give a better grade.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// The next better grade; none for the best.
    pub next_grade: Option<Grade>,
    /// Points of the score missing to it.
    pub points_missing: Decimal,
    /// Single changes that are enough, the smallest first.
    pub changers: Vec<Changer>,
    /// When no single change is enough: changes that together are, the largest first.
    pub together: Vec<Changer>,
    /// Knock-outs and caps that would have to fall away.
    pub obstacles: Vec<String>,
}

/// Looks from a final grade to the next better one.
pub fn outlook(
    scorecard: &Scorecard,
    scored: &Scored,
    policy: &GradePolicy,
    grade: Grade,
    obstacles: Vec<String>,
) -> Outlook {
    let Some(next) = grade.better() else { return Outlook::default() };
    let bound = policy.score_end(grade);
    let missing = (bound - scored.score).max(Decimal::ZERO);
    let mut outlook = Outlook { next_grade: Some(next), points_missing: missing, obstacles, ..Outlook::default() };
    if missing.is_zero() {
        return outlook;
    }
    let reached = |gain: Decimal| round_score(scored.score_unrounded + gain) >= bound;
    let improvements = improvements(scorecard, scored);
    for changes in &improvements {
        outlook.changers.extend(changes.iter().find(|change| reached(change.gain)).cloned());
    }
    outlook.changers.sort_by_key(|change| change.gain);
    outlook.changers.truncate(CHANGERS_MAX);
    if outlook.changers.is_empty() {
        outlook.together = together(&improvements, reached);
    }
    outlook
}

/// The better bins of each factor, the least gain first. Factors of a dimension an expert set move nothing.
fn improvements(scorecard: &Scorecard, scored: &Scored) -> Vec<Vec<Changer>> {
    let mut all = Vec::new();
    for (dimension, result) in scorecard.dimensions.iter().zip(&scored.dimensions).filter(|(_, r)| !r.adjusted) {
        for (factor, present) in dimension.factors.iter().zip(&result.factors) {
            let mut changes: Vec<Changer> = factor
                .outcomes()
                .into_iter()
                .filter(|(_, points)| *points > present.points)
                .map(|(needed_bin, points)| Changer {
                    factor: factor.name.clone(),
                    input: factor.input.clone(),
                    present_bin: present.bin.clone(),
                    needed_bin,
                    gain: (contribution(dimension, factor, points) - present.contribution).normalize(),
                })
                .collect();
            changes.sort_by_key(|change| change.gain);
            all.push(changes);
        }
    }
    all
}

/// The best change of each factor, the largest first, until they are enough; nothing when all are not.
fn together(improvements: &[Vec<Changer>], reached: impl Fn(Decimal) -> bool) -> Vec<Changer> {
    let mut best: Vec<&Changer> = improvements.iter().filter_map(|changes| changes.last()).collect();
    best.sort_by_key(|change| std::cmp::Reverse(change.gain));
    let mut gain = Decimal::ZERO;
    let mut needed = Vec::new();
    for change in best {
        gain += change.gain;
        needed.push(change.clone());
        if reached(gain) {
            return needed;
        }
    }
    Vec::new()
}
