//! Facts about the gate.

mod concurrency;
mod documents;
mod example;
mod feed;
mod holds;
mod input;
mod orders;
mod policy;
mod standing;
mod verdict;
mod ways_out;
mod world;
