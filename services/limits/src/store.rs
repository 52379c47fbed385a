//! All SQL of the limits context: rows in, domain words out. Decides nothing.
//!
//! Whoever changes an account locks its row first, then its requests: one order everywhere, so nobody waits in a circle.

mod accounts;
mod grants;
mod groups;
mod insurances;
mod policies;
mod requests;

pub(crate) use accounts::{
    AccountFilter, account, account_in, accounts, insert_account, members_of, save_account, with_old_policy,
};
pub(crate) use grants::{
    account_of_temporary, close_freeze, insert_freeze, insert_limit, insert_temporary, revoke_temporary, supersede,
};
pub(crate) use groups::{
    GroupRow, child_groups_of, group_line, group_rows, head_of, height_of, insert_group, lock_group, lock_tree,
    save_group,
};
pub(crate) use insurances::{end_insurance, insert_insurance};
pub(crate) use policies::{insert_policy, policies, policies_page, policy, save_policy};
pub(crate) use requests::{
    RequestFilter, due_requests, insert_request, lock_request, open_requests_of, request, requests, save_request,
};

use weir_model::{Country, Currency};
use weir_store::{Db, Migration, Query, Sql, Tx};

/// The context's own tables.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 100, name: "limits", sql: include_str!("migrations/0100_limits.sql") }];

/// Where a read of several queries runs.
pub(crate) enum Reader<'a> {
    /// On what is committed.
    Db(&'a Db),
    /// In a transaction, with what it changed.
    Tx(&'a mut Tx),
}

impl Reader<'_> {
    fn query(&mut self, sql: Sql) -> Query<'_> {
        match self {
            Reader::Db(db) => db.query(sql),
            Reader::Tx(tx) => tx.query(sql),
        }
    }

    fn build(&mut self, head: &'static str) -> Query<'_> {
        match self {
            Reader::Db(db) => db.build(head),
            Reader::Tx(tx) => tx.build(head),
        }
    }
}

/// A currency from a column that only codes of currencies were written to.
fn currency(code: &str) -> weir_store::Result<Currency> {
    Currency::from_code(code).map_err(|error| corrupt("currency", &error.to_string()))
}

/// A country from a column that only codes of countries were written to.
fn country(code: &str) -> weir_store::Result<Country> {
    Country::from_code(code).map_err(|error| corrupt("country", &error.to_string()))
}

/// A column holds what was never written to it.
fn corrupt(column: &str, what: &str) -> weir_store::Error {
    weir_store::Error::Constraint(format!("{column}: {what}"))
}

/// Every query of the context by name.
#[cfg(test)]
pub(crate) fn all() -> Vec<(&'static str, Sql)> {
    [accounts::ALL, grants::ALL, groups::ALL, insurances::ALL, policies::ALL, requests::ALL].concat()
}
