//! Facts about the shared words.

mod country;
mod currency;
mod fault;
mod ids;
mod money;
mod payment_index;
mod time;
