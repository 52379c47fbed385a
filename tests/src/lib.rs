//! The suite seen from outside: what its tests share. A [`World`] is a whole suite, near or far; a [`Desk`] is a caller
//! sitting at it.

mod desk;
mod gates;
mod issuer;
mod line;
mod pb;
mod processes;
mod world;

pub use desk::Desk;
pub use gates::Gates;
pub use line::Cut;
pub use nix::sys::signal::Signal;
pub use pb::{cny, date, decimal, order, request_id};
pub use processes::{LEASE, Processes};
pub use world::{Way, World};
