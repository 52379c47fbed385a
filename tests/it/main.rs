//! One binary of integration tests: the whole suite, from outside.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, helpers of tests included"
)]

mod any_message;
mod architecture;
mod closed_loop;
mod histories;
mod kills;
mod kubernetes;
mod people;
mod retention;
mod steps;
mod takeover;
mod tokens;
mod told;
