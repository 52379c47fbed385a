//! One answer of the gate with everything it was based on, as it is recorded and given. Amounts are minor units of the
//! decision's currency, where nothing else is said.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use weir_model::{AccountId, CorrelationId, Country, Currency, DecisionId, GroupId, HoldId, Money, OrderId};

use crate::brief::is_default;
use crate::exposure::Exposure;
use crate::order::Checkpoint;
use crate::policy::{Action, Rule};
use crate::replay::Facts;
use crate::standing::LimitInForce;

/// The gate's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It may go.
    Approve,
    /// It may go; somebody should know.
    ApproveWithWarnings,
    /// It stops until a person lets it pass, or room is made.
    Hold,
    /// It may not go.
    Reject,
}

impl Outcome {
    /// The outcome's name in figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Approve => "approve",
            Outcome::ApproveWithWarnings => "approve_with_warnings",
            Outcome::Hold => "hold",
            Outcome::Reject => "reject",
        }
    }

    /// Whether the order may go.
    pub fn passes(self) -> bool {
        matches!(self, Outcome::Approve | Outcome::ApproveWithWarnings)
    }
}

/// An amount, a share, days, a level, a time or an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// An amount.
    Amount(i64),
    /// A share in percent.
    Percent(Decimal),
    /// Days.
    Days(i32),
    /// A level.
    Level(i32),
    /// Milliseconds.
    Milliseconds(i64),
    /// An index, 0 to 100.
    Index(Decimal),
}

/// One rule that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// What that does.
    pub action: Action,
    /// What was compared.
    pub value: Option<Measure>,
    /// What it was compared with.
    pub threshold: Option<Measure>,
    /// How much is missing, where amounts are compared; positive.
    pub shortfall: Option<i64>,
    /// One sentence for people.
    pub message: String,
    /// The group whose pool is exceeded, or whose head stops the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// The country whose cap is exceeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// The currency of its amounts, where it is not the decision's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// What the account owes in a currency that is not the decision's. In minor units of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    /// The currency.
    pub currency: Currency,
    /// Minor units of the decision's currency for one of this.
    pub factor: Decimal,
    /// Exposure without the order.
    pub before: Exposure,
    /// Exposure with it.
    pub after: Exposure,
}

/// What a group's members owe together, against its pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolSeen {
    /// The group.
    pub group_id: GroupId,
    /// Its pool.
    pub limit: Money,
    /// What all others owe: unrounded minor units of the pool's currency.
    pub others: Decimal,
    /// Minor units of the pool's currency for one of the decision's, then for one of each foreign currency in their order;
    /// 0 where nothing counts in it.
    pub factors: Vec<Decimal>,
    /// What all owe without the order: minor units of the pool's currency, rounded up once.
    pub before: i64,
    /// The same with the order.
    pub after: i64,
}

impl PoolSeen {
    /// Room left without the order, in minor units of the pool's currency.
    pub fn headroom(&self) -> i64 {
        self.limit.minor().saturating_sub(self.before).max(0)
    }
}

/// What the accounts of a country owe together, against its cap. In minor units of the cap's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountrySeen {
    /// The country.
    pub country: Country,
    /// The currency.
    pub currency: Currency,
    /// Its cap; none where no row names one in the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<i64>,
    /// What all others owe, unrounded.
    pub others: Decimal,
    /// As those of a pool.
    pub factors: Vec<Decimal>,
    /// What all owe without the order, rounded up once.
    pub before: i64,
    /// The same with the order.
    pub after: i64,
}

impl CountrySeen {
    /// Room left without the order; none without a cap.
    pub fn headroom(&self) -> Option<i64> {
        self.cap.map(|cap| cap.saturating_sub(self.before).max(0))
    }
}

/// Something that makes the same order pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayOut {
    /// Reduce the order to this value, in its own currency.
    ReduceOrderTo(i64),
    /// Pay this much of what is open, the oldest first.
    Pay(i64),
    /// Pay this much more of the order in advance, in its own currency; what is invoiced of it takes its part first.
    Prepay(i64),
    /// Ask a temporary limit that adds this amount.
    AskTemporaryLimit(i64),
    /// Have a person with authority over this amount release it.
    AskRelease(i64),
}

/// What the rules say of an order, before it is anybody's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer.
    pub outcome: Outcome,
    /// Every rule that did not hold, the most severe first.
    #[serde(default, skip_serializing_if = "is_default")]
    pub failures: Vec<Failure>,
    /// What of the order needs credit.
    pub required: i64,
    /// Exposure without the order.
    pub before: Exposure,
    /// Exposure with it.
    pub after: Exposure,
    /// The limit in force.
    pub limit: LimitInForce,
    /// Room left before the order; none when unlimited.
    #[serde(default, skip_serializing_if = "is_default")]
    pub headroom: Option<i64>,
    /// Net exposure over the limit before, in percent; none without a limit above zero.
    #[serde(default, skip_serializing_if = "is_default")]
    pub utilisation_before: Option<Decimal>,
    /// The same with the order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub utilisation_after: Option<Decimal>,
    /// How far the order exceeds what passes by itself; a person who releases it needs authority over this.
    #[serde(default, skip_serializing_if = "is_default")]
    pub excess: i64,
    /// What makes the same order pass.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ways_out: Vec<WayOut>,
    /// What is owed in other currencies, the order's among them where it is not the decision's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<Foreign>,
    /// The pools the order counts in, the account's own group first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolSeen>,
    /// The country the order counts in, where that is capped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Box<CountrySeen>>,
    /// What else the rules saw, so that they can be asked again under another policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Box<Facts>>,
}

/// How far the gate had followed another context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Followed {
    /// Position in limits' feed.
    pub limits: Option<i64>,
    /// Position in receivables' feed.
    pub receivables: Option<i64>,
    /// Position in collections' feed.
    pub collections: Option<i64>,
}

/// How long ago the gate was level with each context it follows, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ages {
    /// Limits.
    pub limits_ms: i64,
    /// Receivables.
    pub receivables_ms: i64,
    /// Collections.
    pub collections_ms: i64,
}

impl Ages {
    /// The greatest of them.
    pub fn oldest_ms(self) -> i64 {
        self.limits_ms.max(self.receivables_ms).max(self.collections_ms)
    }
}

/// One answer of the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Its id; none for a mere check.
    pub decision_id: Option<DecisionId>,
    /// The order.
    pub order_id: OrderId,
    /// Its revision.
    pub revision: i32,
    /// The account.
    pub account_id: AccountId,
    /// Currency of every amount: that of the account's limits, where there are any.
    pub currency: Currency,
    /// The order's own currency, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_currency: Option<Currency>,
    /// Where the gate was asked.
    pub checkpoint: Checkpoint,
    /// What the rules say.
    pub verdict: Verdict,
    /// Version of the gate's policy.
    pub policy_version: i64,
    /// Version of the credit account; 0 when none is known.
    pub limit_version: i64,
    /// How far the gate had followed the others.
    pub based_on: Followed,
    /// Age of the oldest of those, in milliseconds.
    pub staleness_ms: i64,
    /// Business date of the check.
    pub business_date: NaiveDate,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// The hold that stops the order.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hold_id: Option<HoldId>,
    /// What the order belongs to.
    pub correlation_id: CorrelationId,
}

impl Decision {
    /// The currency of the order's own amounts.
    pub fn currency_of_order(&self) -> Currency {
        self.order_currency.unwrap_or(self.currency)
    }
}

impl Followed {
    /// A context's feed has been followed up to a position.
    pub fn reach(&mut self, feed: &str, position: i64) {
        match feed {
            "limits" => self.limits = Some(position),
            "receivables" => self.receivables = Some(position),
            "collections" => self.collections = Some(position),
            _ => {}
        }
    }

    /// How far a context's feed has been followed; none before the first snapshot.
    pub fn reached(&self, feed: &str) -> Option<i64> {
        match feed {
            "limits" => self.limits,
            "receivables" => self.receivables,
            "collections" => self.collections,
            _ => None,
        }
    }
}

impl Followed {
    /// As far as both.
    pub(crate) fn least(self, other: Followed) -> Followed {
        // none sorts before every position
        Followed {
            limits: self.limits.min(other.limits),
            receivables: self.receivables.min(other.receivables),
            collections: self.collections.min(other.collections),
        }
    }

    /// Whether every context was followed at least as far.
    pub fn at_least(&self, other: Followed) -> bool {
        // none sorts before every position
        self.limits >= other.limits && self.receivables >= other.receivables && self.collections >= other.collections
    }
}
