//! Rules by tables and properties; store and service on both databases.

mod debtors;
mod feeds;
mod input;
mod loop_;
mod outbox;
mod pauses;
mod plans;
mod promises;
mod properties;
mod rules;
mod runs;
mod schema;
mod standings;
mod strategies;
mod words;
mod work;
mod world;
