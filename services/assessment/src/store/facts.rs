//! Facts.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use weir_model::{AccountId, Call, SubjectId};
use weir_store::{Db, Id, Instant, Json, Result, Runner, Tx};

use super::corrupt;
use crate::{fact::Fact, value::Value};

#[cfg(test)]
pub(super) use sql::ALL;
mod sql {
    weir_store::queries! {
        OF_ACCOUNT = "
            select sequence, account_id, name, period, source, document_id, value, retrieved_at, retrieved_date,
                   valid_until, recorded_at, recorded_by
            from facts where account_id = $1 order by sequence";
        BY_DOCUMENT = "
            select sequence, account_id, name, period, source, document_id, value, retrieved_at, retrieved_date,
                   valid_until, recorded_at, recorded_by
            from facts where account_id = $1 and name = $2 and period = $3 and source = $4 and document_id = $5";
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    sequence: i64,
    account_id: Id<AccountId>,
    name: String,
    period: String,
    source: String,
    document_id: String,
    value: Json<Value>,
    retrieved_at: Instant,
    retrieved_date: NaiveDate,
    valid_until: Option<NaiveDate>,
    recorded_at: Instant,
    recorded_by: Id<SubjectId>,
}

impl Row {
    fn read(self) -> Result<RecordedFact> {
        let period_end = match self.period.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| corrupt("period", text))?),
        };
        let fact = Fact {
            account_id: self.account_id.0,
            name: self.name,
            value: self.value.0,
            period_end,
            source: self.source,
            document_id: self.document_id,
            retrieved_at: self.retrieved_at.0,
            retrieved_date: self.retrieved_date,
            valid_until: self.valid_until,
        };
        Ok(RecordedFact {
            sequence: self.sequence,
            fact,
            recorded_at: self.recorded_at.0,
            recorded_by: self.recorded_by.0,
        })
    }
}

/// A fact with its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFact {
    /// Its place in the order of recording.
    pub sequence: i64,
    /// The fact.
    pub fact: Fact,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Who recorded it.
    pub recorded_by: SubjectId,
}

/// Which facts to list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedFacts<'a> {
    /// The account.
    pub(crate) account_id: &'a AccountId,
    /// Only of this name.
    pub(crate) name: Option<&'a str>,
    /// Only after this sequence.
    pub(crate) after: i64,
    /// At most so many.
    pub(crate) limit: i64,
}

/// Every fact of an account in the order of recording.
pub(crate) async fn facts_of<'c>(on: impl Runner<'c>, account_id: &AccountId) -> Result<Vec<Fact>> {
    let rows: Vec<Row> = on.query(sql::OF_ACCOUNT).bind(account_id.as_str()).all().await?;
    rows.into_iter().map(|row| Ok(row.read()?.fact)).collect()
}

/// A page of facts.
pub(crate) async fn list_facts(db: &Db, list: ListedFacts<'_>) -> Result<Vec<RecordedFact>> {
    let rows: Vec<Row> = db
        .build(
            "select sequence, account_id, name, period, source, document_id, value, retrieved_at, retrieved_date,
                    valid_until, recorded_at, recorded_by
             from facts where account_id = ",
        )
        .value(list.account_id.as_str())
        .push(" and sequence > ")
        .value(list.after)
        .push_if(" and name = ", list.name)
        .push(" order by sequence limit ")
        .value(list.limit)
        .all()
        .await?;
    rows.into_iter().map(Row::read).collect()
}

/// What makes a fact the same document: account, name, period, source, document.
type Key = (AccountId, String, String, String, String);

fn key(fact: &Fact) -> Key {
    let period = fact.period_end.map(|date| date.to_string()).unwrap_or_default();
    (fact.account_id.clone(), fact.name.clone(), period, fact.source.clone(), fact.document_id.clone())
}

#[derive(sqlx::FromRow)]
struct Inserted {
    sequence: i64,
    account_id: Id<AccountId>,
    name: String,
    period: String,
    source: String,
    document_id: String,
}

/// Records the facts that are new and answers, fact by fact, the sequence of each new one; none for one that was there.
/// The first fact whose document was recorded with something else comes back as the error inside.
pub(crate) async fn record_facts_in<'f>(
    tx: &mut Tx,
    call: &Call,
    facts: &'f [Fact],
) -> Result<Result<Vec<(&'f Fact, i64)>, (&'f Fact, Fact)>> {
    // in the order of keys, so that two batches lock alike
    let mut by_key: BTreeMap<Key, &Fact> = BTreeMap::new();
    for fact in facts {
        if let Some(first) = by_key.insert(key(fact), fact)
            && !first.says_the_same(fact)
        {
            return Ok(Err((fact, first.clone())));
        }
    }
    let rows: Vec<Inserted> = tx
        .build(
            "insert into facts (account_id, name, period, source, document_id, value, retrieved_at, retrieved_date,
                                valid_until, recorded_at, recorded_by) values",
        )
        .values(&by_key, |row, ((account_id, name, period, source, document_id), fact)| {
            row.value(account_id.as_str())
                .value(name.as_str())
                .value(period.as_str())
                .value(source.as_str())
                .value(document_id.as_str())
                .value(Json(&fact.value))
                .value(Instant::from(fact.retrieved_at))
                .value(fact.retrieved_date)
                .value(fact.valid_until)
                .value(Instant::from(call.at))
                .value(call.principal.subject.as_str());
        })
        .push(" on conflict (account_id, name, period, source, document_id) do nothing")
        .push(" returning sequence, account_id, name, period, source, document_id")
        .all()
        .await?;
    let inserted: BTreeMap<Key, i64> = rows
        .into_iter()
        .map(|row| ((row.account_id.0, row.name, row.period, row.source, row.document_id), row.sequence))
        .collect();
    let mut recorded = Vec::with_capacity(inserted.len());
    for (key, fact) in by_key {
        if let Some(sequence) = inserted.get(&key) {
            recorded.push((fact, *sequence));
            continue;
        }
        let (account_id, name, period, source, document_id) = &key;
        let before: Row = tx
            .query(sql::BY_DOCUMENT)
            .bind(account_id.as_str())
            .bind(name.as_str())
            .bind(period.as_str())
            .bind(source.as_str())
            .bind(document_id.as_str())
            .one()
            .await?;
        let before = before.read()?.fact;
        if !before.says_the_same(fact) {
            return Ok(Err((fact, before)));
        }
    }
    Ok(Ok(recorded))
}
