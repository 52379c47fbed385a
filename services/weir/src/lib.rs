//! The program: five contexts wired together, and the commands around them.

pub mod args;
pub mod commands;
pub mod demo;
pub mod import;
pub mod print;
pub mod roles;
pub mod settings;
pub mod suite;
