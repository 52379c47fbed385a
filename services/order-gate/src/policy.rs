//! What the gate goes by: rows that say what each rule does, for whom, where and by which thresholds. Data with a
//! version; a decision names the version it was made under. Knows no account.

mod row;
mod rule;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{Country, SubjectId};

pub use row::{Exclusion, RuleRow, Scope, StaleAfter, Subject};
pub use rule::{Action, Comparator, Need, Rule, Threshold};

use crate::decision::Ages;
use crate::exposure::{Component, LeftOut};
use crate::order::Checkpoint;

/// What the gate goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Who is told once of each order that stops, by role.
    pub hold_notice_roles: Vec<String>,
    /// How many days after its ship date, or after it passed, a commitment without delivery counts; none for ever.
    #[serde(default)]
    pub commitment_days: Option<i32>,
    /// How many days old an exchange rate may be; any age when none.
    #[serde(default)]
    pub fx_rate_days_max: Option<i32>,
    /// What of the exposure is not compared with the limit.
    #[serde(default)]
    pub left_out: LeftOut,
    /// What each rule does. Of the rows of a rule that fit an order the one of the most specific scope holds.
    pub rules: Vec<RuleRow>,
    /// Who is exempt.
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
}

impl Default for Policy {
    fn default() -> Self {
        toml::from_str(include_str!("policy.toml")).expect("the embedded policy is read by a test")
    }
}

impl Policy {
    /// The row a rule is asked by; none where it is off, or the account is exempt.
    pub fn row(&self, rule: Rule, subject: Subject<'_>, checkpoint: Checkpoint) -> Option<&RuleRow> {
        self.row_of((rule, None, None), subject, checkpoint)
    }

    /// The row a part of the exposure is limited by.
    pub fn component_limit(
        &self,
        component: Component,
        subject: Subject<'_>,
        checkpoint: Checkpoint,
    ) -> Option<&RuleRow> {
        self.row_of((Rule::ComponentLimitExceeded, Some(component), None), subject, checkpoint)
    }

    /// The row a country is capped by.
    pub fn country_cap(&self, country: Country, subject: Subject<'_>, checkpoint: Checkpoint) -> Option<&RuleRow> {
        self.row_of((Rule::CountryCapExceeded, None, Some(country)), subject, checkpoint)
    }

    fn row_of(
        &self,
        (rule, component, country): (Rule, Option<Component>, Option<Country>),
        subject: Subject<'_>,
        checkpoint: Checkpoint,
    ) -> Option<&RuleRow> {
        let fits = |row: &&RuleRow| {
            row.rule == rule
                && (row.component, row.country) == (component, country)
                && row::covers(&row.checkpoints, checkpoint)
                && row.scope.holds(subject)
        };
        let row = self.rules.iter().filter(fits).max_by(|a, b| a.scope.cmp(&b.scope))?;
        let exempt = |exclusion: &Exclusion| {
            exclusion.rule == rule && row::covers(&exclusion.checkpoints, checkpoint) && exclusion.scope.holds(subject)
        };
        (row.action != Action::Off && !self.exclusions.iter().any(exempt)).then_some(row)
    }

    /// Whether a rule is asked of anybody.
    pub(crate) fn asks(&self, rule: Rule) -> bool {
        self.rules.iter().any(|row| row.rule == rule && row.action != Action::Off)
    }

    /// Whether what the gate knows is too old by any row.
    pub fn is_stale(&self, ages: Ages) -> bool {
        let asked = |row: &&RuleRow| row.rule == Rule::Technical && row.action != Action::Off;
        self.rules.iter().filter(asked).any(|row| row.stale_after.exceeded(ages).is_some())
    }

    /// The policy with the rows of the one Weir comes with for each rule that has none for everybody.
    #[must_use]
    pub fn completed(mut self) -> Policy {
        let for_all: Vec<Rule> = self.rules.iter().filter(|row| row.scope == Scope::All).map(|row| row.rule).collect();
        self.rules.extend(Policy::default().rules.into_iter().filter(|row| !for_all.contains(&row.rule)));
        self.rules.sort_by(|a, b| {
            (a.rule, &a.scope, a.component, a.country).cmp(&(b.rule, &b.scope, b.component, b.country))
        });
        self
    }
}

/// A policy as it was activated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Goes up by one with each activation; 1 is the policy Weir comes with.
    pub version: i64,
    /// The policy.
    pub policy: Policy,
    /// Who activated it.
    pub activated_by: SubjectId,
    /// When.
    pub activated_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}
