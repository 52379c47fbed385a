//! Facts about the gate.

mod backpressure;
mod batch;
mod catalogue;
mod concurrency;
mod documents;
mod example;
mod expiry;
mod explained;
mod feed;
mod forward;
mod fx;
mod holds;
mod input;
mod load;
mod orders;
mod ownership;
mod policy;
mod pool_figures;
mod pools;
mod simulation;
mod stale;
mod standing;
mod streams;
mod verdict;
mod ways_out;
mod world;
