//! The pure rules, by tables and properties.

mod approval;
mod dates;
mod grade;
mod group;
mod policy;
mod recommendation;
mod request;
