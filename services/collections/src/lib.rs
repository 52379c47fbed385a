//! How what is owed gets paid: cases, notices, promises, blocks.
//!
//! Learns what is owed from receivables' feed and which orders are held from the gate's; tells the gate who is blocked
//! and how far dunning is. Rules are pure and lie in the modules named after nouns; the facade loads, decides, saves.
//! Posts no payment and stops no order by itself.

pub mod api;
mod case;
mod channel;
mod contact;
mod debtor;
mod dunning;
mod error;
mod facade;
pub mod follow;
mod item;
mod name;
mod notice;
mod pause;
mod policy;
mod promise;
mod record;
mod run;
mod settings;
mod standing;
mod store;
mod strategy;
mod suppression;
mod task;
mod template;
mod worklist;

pub use error::Error;
pub use facade::Collections;
pub use notice::Language;
pub use settings::{Internal, Password, Settings, SmtpSecurity, SmtpSettings, Transport};
pub use store::MIGRATIONS;

#[cfg(test)]
mod tests;
