//! All SQL of this context. Promises that what it reads is what it wrote; knows no rule.

pub(crate) mod accounts;
pub(crate) mod cases;
pub(crate) mod contacts;
pub(crate) mod dossiers;
pub(crate) mod notices;
pub(crate) mod opt_outs;
pub(crate) mod pauses;
pub(crate) mod promises;
pub(crate) mod runs;
pub(crate) mod strategies;
pub(crate) mod tasks;

use weir_model::{Call, CorrelationId, Currency, Money};
use weir_store::{Change, Migration, Tx, journal};

use crate::Error;

/// This context's tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 100, name: "collections", sql: include_str!("migrations/0100_collections.sql") },
    Migration { version: 101, name: "reached_day", sql: include_str!("migrations/0101_reached_day.sql") },
    Migration { version: 102, name: "task_stage", sql: include_str!("migrations/0102_task_stage.sql") },
    Migration { version: 103, name: "pauses", sql: include_str!("migrations/0103_pauses.sql") },
];

/// Where a page goes on: after this row, at most so many.
#[derive(Debug, Clone)]
pub struct Page<K> {
    /// The last row of the page before.
    pub after: Option<K>,
    /// How many rows at most.
    pub size: i64,
}

/// A value of a closed set, or what the column was for.
fn known<T>(what: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::Corrupt(what))
}

fn money(minor: i64, currency: &str) -> Result<Money, Error> {
    Ok(Money::new(minor, Currency::from_code(currency)?))
}

/// Changes of one transaction, collected and written to the journal together.
#[derive(Debug, Default)]
pub(crate) struct Notes(Vec<Note>);

#[derive(Debug)]
struct Note {
    call: Call,
    kind: &'static str,
    subject: String,
    version: i64,
    before: Option<serde_json::Value>,
    after: serde_json::Value,
}

impl Notes {
    /// Notes a change of something.
    pub(crate) fn add<T: serde::Serialize>(
        &mut self,
        call: &Call,
        kind: &'static str,
        subject: &str,
        version: i64,
        (before, after): (Option<&T>, &T),
    ) -> Result<(), Error> {
        let before = before.map(serde_json::to_value).transpose().map_err(weir_store::Error::from)?;
        let after = serde_json::to_value(after).map_err(weir_store::Error::from)?;
        self.0.push(Note { call: call.clone(), kind, subject: subject.to_owned(), version, before, after });
        Ok(())
    }

    /// Writes what was noted to the journal.
    pub(crate) async fn write_in(self, tx: &mut Tx) -> Result<(), Error> {
        let changes: Vec<(Call, Change<'_>)> = self
            .0
            .iter()
            .map(|note| {
                let change = Change {
                    kind: note.kind,
                    subject: &note.subject,
                    version: note.version,
                    before: note.before.clone(),
                    after: note.after.clone(),
                };
                (note.call.clone(), change)
            })
            .collect();
        let borrowed: Vec<(&Call, &Change<'_>)> = changes.iter().map(|(call, change)| (call, change)).collect();
        Ok(journal::append_all_in(tx, &borrowed).await?)
    }
}

/// The same call, belonging to what an item or order began.
pub(crate) fn belonging_to(call: &Call, correlation_id: Option<&CorrelationId>) -> Call {
    let mut call = call.clone();
    if let Some(correlation_id) = correlation_id {
        call.correlation_id = correlation_id.clone();
    }
    call
}

#[cfg(test)]
pub(crate) fn queries() -> Vec<(&'static str, weir_store::Sql)> {
    [
        accounts::ALL,
        cases::ALL,
        contacts::ALL,
        dossiers::ALL,
        notices::ALL,
        opt_outs::ALL,
        pauses::ALL,
        promises::ALL,
        runs::ALL,
        strategies::ALL,
        tasks::ALL,
    ]
    .concat()
}
