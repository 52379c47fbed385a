//! Knock-out rules: what beats the score and gives D.

use serde::{Deserialize, Serialize};

use crate::{input::Inputs, scorecard::KnockOutRule};

/// A rule that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnockOut {
    /// Code of the rule.
    pub code: String,
    /// What it means, for a person.
    pub title: String,
    /// Name of the input.
    pub input: String,
    /// The word that knocked out.
    pub word: String,
}

/// The rules that hold, in their order. A missing input never knocks out: absence is scored, by the missing bin.
pub fn knock_outs(rules: &[KnockOutRule], inputs: &Inputs) -> Vec<KnockOut> {
    rules
        .iter()
        .filter_map(|rule| {
            let word = inputs.get(&rule.input)?.value.word()?;
            rule.words.iter().any(|knocking| knocking == word).then(|| KnockOut {
                code: rule.code.clone(),
                title: rule.title.clone(),
                input: rule.input.clone(),
                word: word.to_owned(),
            })
        })
        .collect()
}
