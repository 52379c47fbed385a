//! Limits: who may owe how much, and on which terms.
//!
//! Every change is a request that people or a rule approve; grades arrive from assessment and ask by themselves; a limit,
//! a temporary limit and their end are dates, so nothing has to run when a day begins. Knows nothing of exposure: whether
//! an account is over its limit is for those to say who know what it owes.

mod account;
pub mod api;
mod auto_approval;
mod default_policy;
mod error;
mod event;
mod facade;
pub mod follow;
mod freeze;
mod grade;
mod group;
mod in_force;
mod insurance;
mod limit;
mod policy;
mod recommendation;
mod request;
mod route;
mod store;
mod temporary;
mod terms;

pub use error::Error;
pub use facade::Limits;
pub use store::MIGRATIONS;

#[cfg(test)]
mod tests;
