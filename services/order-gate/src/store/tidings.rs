//! What processes put for each other to see.

use weir_store::{Db, Result};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        TIDINGS = "
            select (select position from journal_head where one = 1),
                (select max(version) from policies),
                (select puts from fx_rate_table where one = 1),
                (select coalesce(max(change), 0) from homes)";
    }
}

/// How far everything is that processes put for each other to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tidings {
    /// The journal's last position; what follows is at least as far as there.
    pub(crate) position: i64,
    /// The version of the policy in force.
    pub(crate) policy: i64,
    /// How often exchange rates were put.
    pub(crate) rates: i64,
    /// The position of the last move of an account.
    pub(crate) moved: i64,
}

/// How far everything is that processes put for each other to see.
pub(crate) async fn tidings(db: &Db) -> Result<Tidings> {
    let (position, policy, rates, moved) = db.query(sql::TIDINGS).one().await?;
    Ok(Tidings { position, policy, rates, moved })
}
