//! The limits context: rules by tables and properties, then the context from outside, through gRPC in this process, on
//! both databases.

mod accounts;
mod bad_input;
mod feed;
mod grades;
mod groups;
mod heads;
mod insurance;
mod lifecycle;
mod policies;
mod rules;
mod schema;
mod temporary;
mod world;
