//! Facts about the wire.

mod pages;
mod parsing;
mod peers;
mod statuses;
