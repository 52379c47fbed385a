//! The order gate: decides whether an order may go, from memory, durably before it answers.
//!
//! It knows accounts as other contexts describe them (limits, receivables, collections) and orders as the order pipeline
//! asks for them. On the way of an order it calls nobody.

pub mod api;
pub mod book;
mod brief;
mod check;
pub mod commitment;
pub mod country;
mod decision;
pub mod dossier;
mod draft;
mod engine;
mod error;
mod explain;
pub mod exposure;
mod facade;
pub mod follow;
pub mod fx;
pub mod hold;
mod letter;
pub mod order;
pub mod ownership;
pub mod pattern;
pub mod policy;
pub mod pool;
mod pulse;
mod question;
mod replay;
pub mod rules;
mod simulation;
pub mod standing;
mod store;
mod ways_out;

pub use error::Error;
pub use facade::{
    AccountStanding, CancelAsk, Checked, Committed, Decided, DecidedTogether, DeliverAsk, Freshness, HoldOutcome,
    HoldQuery, OrderGate, ReleaseAsk,
};
pub use ownership::Ownership;
pub use store::MIGRATIONS;

#[cfg(test)]
mod tests;
