//! What makes a scorecard well-formed: shape, bins and weights, each refused in its own way.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use weir_model::Fields;

use super::{Bin, Factor, Scorecard};
use crate::{
    catalogue::{is_code, is_name},
    grade::check_points,
    value::{number_fits, word_fits},
};

/// Most dimensions of a scorecard, factors of a dimension, bins of a factor, words of a factor, knock-out rules, and
/// words of one: generous for people, harmless for a request.
const DIMENSIONS_MAX: usize = 20;
const FACTORS_MAX: usize = 30;
const BINS_MAX: usize = 50;
const WORDS_MAX: usize = 200;
const KNOCK_OUTS_MAX: usize = 50;
const KNOCK_OUT_WORDS_MAX: usize = 50;
const TITLE_LENGTH_MAX: usize = 200;
const DESCRIPTION_LENGTH_MAX: usize = 1_000;

/// The bins of a factor do not cover every number exactly once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bins of factor {factor}: {problem}")]
pub struct BinsProblem {
    /// The factor.
    pub factor: String,
    /// What is wrong.
    pub problem: String,
}

/// Weights do not sum to exactly 100 %.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("weights of {of} sum to {sum} %, not 100 %")]
pub struct WeightsProblem {
    /// `the dimensions`, or `dimension …`.
    pub of: String,
    /// What they sum to.
    pub sum: Decimal,
}

impl Scorecard {
    /// Notes everything that is malformed. Bins and weights have checks of their own.
    pub fn check(&self, fields: &mut Fields, path: &str) {
        check_name(fields, &format!("{path}.name"), &self.name);
        check_title(fields, &format!("{path}.description"), &self.description, DESCRIPTION_LENGTH_MAX);
        check_count(fields, &format!("{path}.dimensions"), self.dimensions.len(), 1, DIMENSIONS_MAX);
        check_count(fields, &format!("{path}.knock_outs"), self.knock_outs.len(), 0, KNOCK_OUTS_MAX);
        let mut names = BTreeSet::new();
        let mut factor_names = BTreeSet::new();
        for (i, dimension) in self.dimensions.iter().take(DIMENSIONS_MAX).enumerate() {
            let path = format!("{path}.dimensions[{i}]");
            check_name(fields, &format!("{path}.name"), &dimension.name);
            check_unique(fields, &format!("{path}.name"), &mut names, &dimension.name);
            check_title(fields, &format!("{path}.title"), &dimension.title, TITLE_LENGTH_MAX);
            check_weight(fields, &format!("{path}.weight_percent"), dimension.weight);
            check_count(fields, &format!("{path}.factors"), dimension.factors.len(), 1, FACTORS_MAX);
            for (i, factor) in dimension.factors.iter().take(FACTORS_MAX).enumerate() {
                let path = format!("{path}.factors[{i}]");
                check_unique(fields, &format!("{path}.name"), &mut factor_names, &factor.name);
                factor.check(fields, &path);
            }
        }
        let mut codes = BTreeSet::new();
        for (i, rule) in self.knock_outs.iter().take(KNOCK_OUTS_MAX).enumerate() {
            let path = format!("{path}.knock_outs[{i}]");
            check_code(fields, &format!("{path}.code"), &rule.code);
            check_unique(fields, &format!("{path}.code"), &mut codes, &rule.code);
            check_title(fields, &format!("{path}.title"), &rule.title, TITLE_LENGTH_MAX);
            check_name(fields, &format!("{path}.input"), &rule.input);
            check_count(fields, &format!("{path}.words"), rule.words.len(), 1, KNOCK_OUT_WORDS_MAX);
            for (i, word) in rule.words.iter().take(KNOCK_OUT_WORDS_MAX).enumerate() {
                check_word(fields, &format!("{path}.words[{i}]"), word);
            }
        }
    }

    /// Refuses bins that overlap, leave a gap or are not in order.
    pub fn check_bins(&self) -> Result<(), BinsProblem> {
        for (_, factor) in self.factors() {
            if let Some(problem) = bins_problem(&factor.bins) {
                return Err(BinsProblem { factor: factor.name.clone(), problem });
            }
        }
        Ok(())
    }

    /// Every set of weights that does not sum to exactly 100 %.
    pub fn weights_problems(&self) -> Vec<WeightsProblem> {
        let mut problems = Vec::new();
        let mut check = |of: String, weights: &mut dyn Iterator<Item = Decimal>| {
            // weights are at most 100 each and few, so a plain sum cannot overflow
            let sum: Decimal = weights.sum();
            if sum != Decimal::ONE_HUNDRED {
                problems.push(WeightsProblem { of, sum: sum.normalize() });
            }
        };
        check("the dimensions".to_owned(), &mut self.dimensions.iter().map(|dimension| dimension.weight));
        for dimension in &self.dimensions {
            check(format!("dimension {}", dimension.name), &mut dimension.factors.iter().map(|factor| factor.weight));
        }
        problems
    }
}

impl Factor {
    fn check(&self, fields: &mut Fields, path: &str) {
        check_name(fields, &format!("{path}.name"), &self.name);
        check_title(fields, &format!("{path}.title"), &self.title, TITLE_LENGTH_MAX);
        check_name(fields, &format!("{path}.input"), &self.input);
        check_code(fields, &format!("{path}.reason_code"), &self.reason_code);
        check_weight(fields, &format!("{path}.weight_percent"), self.weight);
        check_points(fields, &format!("{path}.missing_points"), self.missing_points);
        check_count(fields, &format!("{path}.mapping"), self.mapping.len(), 0, WORDS_MAX);
        check_count(fields, &format!("{path}.bins"), self.bins.len(), 0, BINS_MAX);
        check_count(fields, &format!("{path}.categories"), self.categories.len(), 0, WORDS_MAX);
        if self.bins.is_empty() == self.categories.is_empty() {
            fields.add(format!("{path}.bins"), "exactly one of bins and categories must be given");
        }
        if !self.mapping.is_empty() && self.bins.is_empty() {
            fields.add(format!("{path}.mapping"), "needs bins");
        }
        let mut words = BTreeSet::new();
        for (i, entry) in self.mapping.iter().take(WORDS_MAX).enumerate() {
            let path = format!("{path}.mapping[{i}]");
            check_word(fields, &format!("{path}.word"), &entry.word);
            check_unique(fields, &format!("{path}.word"), &mut words, &entry.word);
            check_number(fields, &format!("{path}.number"), Some(entry.number));
        }
        for (i, bin) in self.bins.iter().take(BINS_MAX).enumerate() {
            let path = format!("{path}.bins[{i}]");
            check_number(fields, &format!("{path}.low"), bin.low);
            check_number(fields, &format!("{path}.high"), bin.high);
            check_points(fields, &format!("{path}.points"), bin.points);
        }
        let mut words = BTreeSet::new();
        for (i, category) in self.categories.iter().take(WORDS_MAX).enumerate() {
            let path = format!("{path}.categories[{i}]");
            check_word(fields, &format!("{path}.word"), &category.word);
            check_unique(fields, &format!("{path}.word"), &mut words, &category.word);
            check_points(fields, &format!("{path}.points"), category.points);
        }
    }
}

/// What keeps bins from holding every number exactly once; none for no bins, which is a factor of categories.
fn bins_problem(bins: &[Bin]) -> Option<String> {
    let (first, last) = (bins.first()?, bins.last()?);
    if let Some(low) = first.low {
        return Some(format!("the first starts at {low}; it must be open below"));
    }
    if let Some(high) = last.high {
        return Some(format!("the last ends at {high}; it must be open above"));
    }
    for bin in bins {
        if let (Some(low), Some(high)) = (bin.low, bin.high)
            && high <= low
        {
            return Some(format!("[{low}, {high}) is empty or upside down"));
        }
    }
    for (bin, next) in bins.iter().zip(bins.iter().skip(1)) {
        match (bin.high, next.low) {
            (Some(high), Some(low)) if low == high => {}
            (Some(high), Some(low)) if low > high => return Some(format!("gap between {high} and {low}")),
            (Some(high), Some(low)) => return Some(format!("overlap between {low} and {high}")),
            _ => return Some("only the first may be open below and only the last open above".to_owned()),
        }
    }
    None
}

fn check_name(fields: &mut Fields, path: &str, name: &str) {
    if !is_name(name) {
        fields.add(path, "must be a lower-case letter, then at most 63 lower-case letters, digits or underscores");
    }
}

fn check_code(fields: &mut Fields, path: &str, code: &str) {
    if !is_code(code) {
        fields.add(path, "must be a capital letter, then at most 63 capital letters, digits or underscores");
    }
}

fn check_title(fields: &mut Fields, path: &str, title: &str, length_max: usize) {
    if title.chars().count() > length_max || title.chars().any(char::is_control) {
        fields.add(path, format!("must be at most {length_max} characters without control characters"));
    }
}

fn check_word(fields: &mut Fields, path: &str, word: &str) {
    if !word_fits(word) {
        fields.add(path, "must be 1 to 200 characters without control characters");
    }
}

fn check_number(fields: &mut Fields, path: &str, number: Option<Decimal>) {
    if number.is_some_and(|number| !number_fits(number)) {
        fields.add(path, "must be between -10^15 and 10^15 with at most 6 decimals");
    }
}

fn check_weight(fields: &mut Fields, path: &str, weight: Decimal) {
    if weight <= Decimal::ZERO || weight > Decimal::ONE_HUNDRED || weight.normalize().scale() > 2 {
        fields.add(path, "must be above 0 and at most 100 with at most 2 decimals");
    }
}

fn check_count(fields: &mut Fields, path: &str, count: usize, least: usize, most: usize) {
    if !(least..=most).contains(&count) {
        fields.add(path, format!("must have {least} to {most} entries"));
    }
}

fn check_unique<'n>(fields: &mut Fields, path: &str, seen: &mut BTreeSet<&'n str>, name: &'n str) {
    if !seen.insert(name) {
        fields.add(path, "is there already");
    }
}
