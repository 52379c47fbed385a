//! Tables with columns as wide as their widest cell on a terminal.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// Space between columns.
const GAP: &str = "  ";

/// Which side of its column a cell stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// How many columns of a terminal a text takes.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text, cut to a width with `…` where it is longer.
pub fn fit(text: &str, width_max: usize) -> String {
    if width(text) <= width_max {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        let mut longer = kept.clone();
        longer.push(letter);
        if width(&longer) + 1 > width_max {
            break;
        }
        kept = longer;
    }
    kept.push('…');
    kept
}

/// A table being written.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Row>,
}

#[derive(Debug, Clone)]
enum Row {
    Cells(Vec<String>),
    Rule,
}

impl Table {
    /// A table with these columns; without a head where none has a title.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        Table {
            columns: columns.iter().map(|(title, align)| ((*title).to_owned(), *align)).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are empty, cells beyond the columns are left out.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) -> &mut Self {
        self.rows.push(Row::Cells(cells.into_iter().map(Into::into).collect()));
        self
    }

    /// Adds a line across, as before a total.
    pub fn rule(&mut self) -> &mut Self {
        self.rows.push(Row::Rule);
        self
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, indented by two columns.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let widths = self.widths();
        let titles: Vec<&str> = self.columns.iter().map(|(title, _)| title.as_str()).collect();
        if titles.iter().any(|title| !title.is_empty()) {
            self.print_cells(out, &widths, &titles)?;
            Self::print_rule(out, &widths)?;
        }
        for row in &self.rows {
            match row {
                Row::Cells(cells) => {
                    let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
                    self.print_cells(out, &widths, &cells)?;
                }
                Row::Rule => Self::print_rule(out, &widths)?,
            }
        }
        Ok(())
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |(column, (title, _)): (usize, &(String, Align))| {
            let cells = self.rows.iter().filter_map(|row| match row {
                Row::Cells(cells) => cells.get(column).map(|cell| width(cell)),
                Row::Rule => None,
            });
            cells.fold(width(title), usize::max)
        };
        self.columns.iter().enumerate().map(widest).collect()
    }

    fn print_cells(&self, out: &mut dyn Write, widths: &[usize], cells: &[&str]) -> io::Result<()> {
        let mut line = String::new();
        for (place, ((_, align), column_width)) in self.columns.iter().zip(widths).enumerate() {
            let cell = cells.get(place).copied().unwrap_or_default();
            let padding = " ".repeat(column_width.saturating_sub(width(cell)));
            line.push_str(GAP);
            match align {
                Align::Left => line.extend([cell, &padding]),
                Align::Right => line.extend([padding.as_str(), cell]),
            }
        }
        writeln!(out, "{}", line.trim_end())
    }

    fn print_rule(out: &mut dyn Write, widths: &[usize]) -> io::Result<()> {
        let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        writeln!(out, "{GAP}{}", rules.join(GAP))
    }
}
