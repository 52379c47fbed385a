//! One binary of integration tests: the whole suite, from outside.

mod any_message;
mod architecture;
mod closed_loop;
mod kills;
mod people;
mod steps;
