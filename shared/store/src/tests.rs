//! Every test runs on SQLite and on PostgreSQL unless it is about one of them.
mod schema;
