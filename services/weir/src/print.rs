//! How reports are written for people: tables, bars, amounts, shares.
//!
//! Widths are those of a terminal, where a Chinese character takes two columns. Knows nothing of the business.

mod aging;
mod amount;
mod bar;
mod progress;
mod table;
#[cfg(test)]
mod tests;

pub use aging::print_aging;
pub use amount::{amount, amount_of, count, decimal, grouped, read_money};
pub use bar::bar;
pub use progress::{Progress, rate};
pub use table::{Align, Table, fit, width};

use std::io::{self, Write};

/// Writes a heading between blank lines, underlined.
pub fn heading(out: &mut dyn Write, text: &str) -> io::Result<()> {
    writeln!(out, "\n{text}\n{}", "═".repeat(width(text)))
}
