//! Reads a file row by row and packs good rows into messages of the bulk intake; bad ones are told with their line.
//!
//! Holds one message at a time, however large the file.

use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};
use weir_wire::receivables::v1::ImportRow;

use super::row::{BadCell, Layout};

/// Rows of the file in a message; each brings up to three facts, and a message holds at most 1000.
const ROWS_A_MESSAGE: usize = 200;

/// Part of the file, ready to be sent.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// What to post.
    pub rows: Vec<ImportRow>,
    /// The rows it comes from, in order.
    pub origins: Vec<Origin>,
    /// Rows that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Where in the file it ends.
    pub bytes_read: u64,
}

/// A row of the file that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// Its line.
    pub line: u64,
    /// Who owes.
    pub account: String,
    /// How many facts it brings, one after the other.
    pub fact_count: usize,
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Its line.
    pub line: u64,
    /// Every bad cell.
    pub cells: Vec<BadCell>,
}

/// A file being read.
pub(super) struct Rows<R> {
    reader: Reader<R>,
    header: Vec<String>,
}

impl<R: Read> Rows<R> {
    /// Reads the first line, which names the columns.
    ///
    /// # Errors
    /// Where the file cannot be read or names no column.
    pub(super) fn open(file: R) -> anyhow::Result<Self> {
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
        let header: Vec<String> = reader
            .byte_headers()?
            .iter()
            .map(|column| String::from_utf8_lossy(column).trim_start_matches('\u{feff}').trim().to_owned())
            .collect();
        if header.iter().all(String::is_empty) {
            anyhow::bail!("the file is empty: its first line must name the columns");
        }
        Ok(Rows { reader, header })
    }

    /// The columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The next part of the file; none at its end.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub(super) fn next_batch(&mut self, layout: &Layout) -> anyhow::Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut record = ByteRecord::new();
        while batch.origins.len() + batch.unreadable.len() < ROWS_A_MESSAGE {
            if !self.reader.read_byte_record(&mut record)? {
                break;
            }
            let line = record.position().map_or(0, csv::Position::line);
            batch.take(line, &record, layout);
        }
        batch.bytes_read = self.reader.position().byte();
        let is_end = batch.origins.is_empty() && batch.unreadable.is_empty();
        Ok((!is_end).then_some(batch))
    }
}

impl Batch {
    fn take(&mut self, line: u64, record: &ByteRecord, layout: &Layout) {
        let cells: Vec<&[u8]> = record.iter().collect();
        match layout.read(&cells) {
            Ok(row) => {
                let origin = Origin { line, account: row.account.to_string(), fact_count: row.facts.len() };
                self.origins.push(origin);
                let row_number = i64::try_from(line).unwrap_or(i64::MAX);
                self.rows.extend(row.facts.into_iter().map(|fact| ImportRow { row_number, fact: Some(fact) }));
            }
            Err(cells) => self.unreadable.push(Unreadable { line, cells }),
        }
    }
}
