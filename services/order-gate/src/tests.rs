//! Facts about the gate.

mod catalogue;
mod concurrency;
mod documents;
mod example;
mod expiry;
mod explained;
mod feed;
mod forward;
mod holds;
mod input;
mod orders;
mod ownership;
mod policy;
mod simulation;
mod stale;
mod standing;
mod verdict;
mod ways_out;
mod world;
