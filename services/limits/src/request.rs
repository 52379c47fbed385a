//! A request for a limit, and the steps of its life:
//! draft → submitted → under review → approved → active, or rejected, or withdrawn.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, LimitId, LimitRequestId, Money, PolicyId, SubjectId};

use crate::{grade::GradeRecord, limit::Limit, recommendation::Recommendation, route::RouteStep, temporary::Overlay};

/// Where a request is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Draft,
    Submitted,
    UnderReview,
    Approved,
    Active,
    Rejected,
    Withdrawn,
}

impl State {
    #[cfg(test)]
    pub(crate) const ALL: [State; 7] = [
        State::Draft,
        State::Submitted,
        State::UnderReview,
        State::Approved,
        State::Active,
        State::Rejected,
        State::Withdrawn,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Submitted => "submitted",
            State::UnderReview => "under_review",
            State::Approved => "approved",
            State::Active => "active",
            State::Rejected => "rejected",
            State::Withdrawn => "withdrawn",
        }
    }
}

/// What may happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// It is sent on its way.
    Submit,
    /// A level approves, further ones have to.
    Review,
    /// The last level, or a rule, approves.
    Approve,
    /// Its limit starts.
    Activate,
    /// Somebody refuses it.
    Reject,
    /// Who made it takes it back.
    Withdraw,
    /// A newer grade makes it void: what it recommended is outdated, or the grade gives no credit any more.
    Void,
}

/// The state after a step; none when the state does not allow it.
pub(crate) const fn transition(state: State, step: Step) -> Option<State> {
    match (state, step) {
        (State::Draft, Step::Submit) => Some(State::Submitted),
        (State::Submitted | State::UnderReview, Step::Review) => Some(State::UnderReview),
        (State::Submitted | State::UnderReview, Step::Approve) => Some(State::Approved),
        (State::Submitted | State::UnderReview, Step::Reject) => Some(State::Rejected),
        (State::Draft | State::Submitted | State::UnderReview, Step::Withdraw)
        | (State::Submitted | State::UnderReview | State::Approved, Step::Void) => Some(State::Withdrawn),
        (State::Approved, Step::Activate) => Some(State::Active),
        _ => None,
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// A person asked.
    Person,
    /// An assessment recommended it; the system asked.
    Assessment,
}

impl Origin {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Origin::Person => "person",
            Origin::Assessment => "assessment",
        }
    }
}

/// What is asked for, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    #[serde(flatten)]
    pub(crate) asked: Asked,
    /// First day; none for the day of approval.
    pub(crate) valid_from: Option<NaiveDate>,
    pub(crate) justification: String,
}

/// The kinds of limit that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Asked {
    Standing(StandingWish),
    Temporary(TemporaryWish),
}

/// Another standing limit, and terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StandingWish {
    /// An amount or unlimited.
    pub(crate) limit: Limit,
    pub(crate) terms_days: i64,
    /// Last day; none for until further notice.
    pub(crate) valid_to: Option<NaiveDate>,
    /// Expected sales a day, from which the need follows.
    pub(crate) daily_sales: Option<Money>,
}

/// An overlay for a few days; terms stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TemporaryWish {
    pub(crate) overlay: Overlay,
    /// Last day.
    pub(crate) valid_to: NaiveDate,
}

impl Wish {
    /// Last day; none for until further notice.
    pub(crate) const fn valid_to(&self) -> Option<NaiveDate> {
        match &self.asked {
            Asked::Standing(standing) => standing.valid_to,
            Asked::Temporary(temporary) => Some(temporary.valid_to),
        }
    }

    /// The amount others have to approve; none for an unlimited limit.
    pub(crate) const fn amount(&self) -> Option<Money> {
        match &self.asked {
            Asked::Standing(StandingWish { limit: Limit::Amount(amount), .. }) => Some(*amount),
            Asked::Standing(_) => None,
            Asked::Temporary(temporary) => Some(temporary.overlay.amount()),
        }
    }

    /// Expected sales a day, as far as they were told.
    pub(crate) const fn daily_sales(&self) -> Option<Money> {
        match &self.asked {
            Asked::Standing(standing) => standing.daily_sales,
            Asked::Temporary(_) => None,
        }
    }
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Act {
    pub(crate) by: SubjectId,
    pub(crate) at: DateTime<Utc>,
}

/// How something ended, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closure {
    pub(crate) act: Act,
    pub(crate) reason: String,
}

/// What a request granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Granted {
    /// The standing or temporary limit.
    pub(crate) limit_id: LimitId,
    /// None for a temporary limit, which leaves terms as they are.
    pub(crate) terms_days: Option<i64>,
    /// First day of the limit.
    pub(crate) from: NaiveDate,
    pub(crate) at: DateTime<Utc>,
    /// The rule that approved it; none when people did.
    pub(crate) rule_id: Option<String>,
}

/// A request to change what an account may owe, and on which terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LimitRequest {
    pub(crate) limit_request_id: LimitRequestId,
    pub(crate) account_id: AccountId,
    pub(crate) version: i64,
    pub(crate) state: State,
    pub(crate) origin: Origin,
    pub(crate) wish: Wish,
    pub(crate) requested: Act,
    pub(crate) submitted: Option<Act>,
    pub(crate) policy_id: Option<PolicyId>,
    pub(crate) route: Vec<RouteStep>,
    pub(crate) recommendation: Option<Recommendation>,
    pub(crate) granted: Option<Granted>,
    /// How it ended without a limit.
    pub(crate) closed: Option<Closure>,
    /// How the temporary limit it granted was taken back after it had begun.
    pub(crate) revoked: Option<Closure>,
}

impl LimitRequest {
    /// Everybody who asked for it: none of them approves it.
    pub(crate) fn askers(&self) -> Vec<&SubjectId> {
        std::iter::once(&self.requested.by).chain(self.submitted.iter().map(|act| &act.by)).collect()
    }

    /// First day of its limit when it is approved today.
    pub(crate) fn start(&self, today: NaiveDate) -> NaiveDate {
        self.wish.valid_from.map_or(today, |from| from.max(today))
    }
}

/// What a rule of approval looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) limit: Limit,
    /// The limit that holds today.
    pub(crate) standing: Limit,
    pub(crate) record: &'a GradeRecord,
    pub(crate) frozen: bool,
}
