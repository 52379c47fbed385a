//! What became of the rows: counted, and told for those that were refused. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    time::Duration,
};

use weir_wire::{
    common::v1::ErrorReason,
    receivables::v1::{ImportOutcome, ImportRowResult},
};

use super::{
    mapping::{Field, Mapping},
    reading::{Origin, Unreadable},
};
use crate::print::{count, rate};

/// Why rows the file itself gets wrong are refused.
const UNREADABLE: &str = "UNREADABLE";

/// What became of the rows so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Rows read.
    pub read: u64,
    /// Rows of which something was posted, and nothing refused.
    pub posted: u64,
    /// Rows that were there already.
    pub unchanged: u64,
    /// Rows of which something was refused.
    pub refused: u64,
    /// Facts posted: invoices, disputes, payments.
    pub facts_posted: u64,
    /// How many rows were refused for which reason.
    pub reasons: BTreeMap<String, u64>,
    /// Accounts named by rows that were sent.
    pub accounts: BTreeSet<String>,
}

impl Tally {
    /// Counts a row that cannot be read; answers what to tell of it.
    pub(super) fn unreadable(&mut self, row: &Unreadable) -> Vec<String> {
        self.read += 1;
        self.refused += 1;
        *self.reasons.entry(UNREADABLE.to_owned()).or_default() += 1;
        let told = |cell: &super::row::BadCell| match cell.column.as_str() {
            "" => format!("line {}: {}", row.line, cell.reason),
            column => format!("line {}, column {column}: {}", row.line, cell.reason),
        };
        row.cells.iter().map(told).collect()
    }

    /// Counts a row that was sent, by the results of its facts; answers what to tell of it.
    pub(super) fn sent(&mut self, origin: &Origin, results: &[ImportRowResult], mapping: &Mapping) -> Vec<String> {
        self.read += 1;
        self.accounts.insert(origin.account.clone());
        let is = |outcome: ImportOutcome| move |result: &&ImportRowResult| result.outcome() == outcome;
        let refused: Vec<&ImportRowResult> = results.iter().filter(is(ImportOutcome::Refused)).collect();
        let posted = results.iter().filter(is(ImportOutcome::Posted)).count();
        self.facts_posted += u64::try_from(posted).unwrap_or(0);
        if let Some(first) = refused.first() {
            self.refused += 1;
            *self.reasons.entry(reason(first)).or_default() += 1;
        } else if posted > 0 {
            self.posted += 1;
        } else {
            self.unchanged += 1;
        }
        refused.into_iter().flat_map(|result| told(origin.line, result, mapping)).collect()
    }

    /// Writes the end of the story.
    pub(super) fn print(&self, out: &mut dyn Write, took: Duration) -> io::Result<()> {
        let number = |rows: u64| count(i64::try_from(rows).unwrap_or(i64::MAX));
        writeln!(out, "rows read  {:>12}", number(self.read))?;
        writeln!(
            out,
            "posted     {:>12}   ({} invoices, disputes and payments)",
            number(self.posted),
            number(self.facts_posted)
        )?;
        writeln!(out, "unchanged  {:>12}", number(self.unchanged))?;
        writeln!(out, "refused    {:>12}", number(self.refused))?;
        for (reason, rows) in &self.reasons {
            writeln!(out, "  {reason}: {}", number(*rows))?;
        }
        let (seconds, tenths) = (took.as_secs(), took.subsec_millis() / 100);
        writeln!(out, "took {seconds}.{tenths} s, {} rows/s", number(rate(self.read, took)))
    }
}

fn reason(result: &ImportRowResult) -> String {
    result.reason().as_str_name().trim_start_matches("ERROR_REASON_").to_owned()
}

fn told(line: u64, result: &ImportRowResult, mapping: &Mapping) -> Vec<String> {
    if result.field_violations.is_empty() {
        let reason = result.reason();
        let code =
            if reason == ErrorReason::Unspecified { String::new() } else { format!(" ({})", self::reason(result)) };
        return vec![format!("line {line}: {}{code}", result.message)];
    }
    let cell = |path: &str| match column_of(path, mapping) {
        Some(column) => format!("column {column}"),
        None => path.to_owned(),
    };
    result.field_violations.iter().map(|bad| format!("line {line}, {}: {}", cell(&bad.path), bad.description)).collect()
}

/// The column a field of the contract was read from.
fn column_of<'a>(path: &str, mapping: &'a Mapping) -> Option<&'a str> {
    let (_, name) = path.split_once('.').unwrap_or(("", path));
    let field = match name.split('.').next_back().unwrap_or(name) {
        "account_id" => Field::Account,
        "document_number" | "item_id" | "payment_number" | "dispute_id" => Field::Document,
        "document_date" => Field::InvoiceDate,
        "due_date" | "net_days" | "due" => Field::DueDate,
        "amount" => Field::Amount,
        "currency_code" => Field::Currency,
        "effective_date" => Field::SettledDate,
        "order_id" => Field::Order,
        "salesperson" => Field::Salesperson,
        "region" => Field::Region,
        "industry" => Field::Industry,
        _ => return None,
    };
    mapping.column(field).map(|(_, column)| column)
}
