//! A rate, score or percentage in a column: an exact decimal that SQL carries but never compares or computes with.
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::error::BoxDynError;

/// An exact decimal that is not money. `numeric` in PostgreSQL, text in SQLite, so it must never be compared, ordered
/// or computed with in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(pub Decimal);

impl Rate {
    /// The decimal.
    pub const fn get(self) -> Decimal {
        self.0
    }
}

impl From<Decimal> for Rate {
    fn from(d: Decimal) -> Self {
        Rate(d)
    }
}

impl From<Rate> for Decimal {
    fn from(r: Rate) -> Self {
        r.0
    }
}

super::twin_type!(Rate, Decimal,
    to_pg: |r: Rate| Ok::<_, BoxDynError>(r.0),
    from_pg: Rate,
    to_text: |r: Rate| Ok::<_, BoxDynError>(r.0.to_string()),
    from_text: |text: &str| Ok(Rate(Decimal::from_str_exact(text)?)));
