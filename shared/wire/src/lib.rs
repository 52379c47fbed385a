//! The wire: generated contracts, and the one way between their messages and the model's words.
//!
//! Parsing names every bad field; an error becomes a status in one place; a peer is the same client near or far.
//! Knows no rule and no database.

mod call;
pub mod emit;
pub mod feed;
mod page;
pub mod parse;
mod peer;
mod status;

pub use call::{CORRELATION_HEADER, Caller, call};
pub use generated::{google, weir::*};
pub use page::PageTokens;
pub use peer::{Peer, Prepare};
pub use status::{DOMAIN, code, in_message, status};

/// Every contract as an encoded `google.protobuf.FileDescriptorSet`, as reflection serves it.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/weir.binpb"));

#[expect(missing_docs, rustdoc::all, clippy::all, unreachable_pub, reason = "documented in the contracts")]
#[allow(clippy::pedantic, unused_qualifications, rust_2018_idioms, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/contracts.rs"));
}

#[cfg(test)]
mod tests;
