//! Says who deserves how much credit, and why: scorecards, facts, assessments, grades.

pub mod altman;
pub mod behaviour;
pub mod catalogue;
pub mod defaults;
pub mod fact;
pub mod grade;
pub mod index;
pub mod input;
pub mod knockout;
pub mod outlook;
pub mod profile;
pub mod recommendation;
pub mod report;
pub mod scorecard;
pub mod scoring;
pub mod statement;
pub mod value;
