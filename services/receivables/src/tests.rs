//! Rules by tables and properties; the context through its own gRPC edge, on both databases.

mod aging;
mod alerts;
mod allocation;
mod audit;
mod behaviour;
mod documents;
mod feed;
mod figures;
mod input;
mod intake;
mod large;
mod payments;
mod races;
mod rebuild;
mod rules;
mod schema;
mod sequences;
mod world;
