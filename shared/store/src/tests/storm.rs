//! What a plain sequence loses, and that the journal loses nothing.
use std::collections::HashMap;

use futures::StreamExt as _;
use rand::RngExt as _;
use serde_json::json;
use weir_model::Call;

use crate::testing::{self, call, soon};
use crate::{Change, Db, Dialect, Entry, Journal, Step, Tx, journal, on_both_databases, sql};

use super::{COUNTERS, count};

const WRITERS: usize = 32;
const WRITES: usize = 20;
const SUBJECTS: i64 = 8;

async fn append(tx: &mut Tx, call: &Call, subject: i64, version: i64) -> crate::Result<()> {
    let subject = subject.to_string();
    let change = Change { kind: "counted", subject: &subject, version, before: None, after: json!(version) };
    journal::append_in(tx, call, &change).await
}

/// A reader as it is often written: everything after the highest id it has seen.
async fn plain_reader(db: &Db, cursor: &mut i64) -> Vec<i64> {
    let ids: Vec<i64> =
        db.query(sql!("select id from journal where id > $1 order by id")).bind(*cursor).scalars().await.unwrap();
    *cursor = ids.last().copied().unwrap_or(*cursor);
    ids
}

/// A draws its id, B draws a later one and commits, a reader reads, A commits.
#[test]
fn a_plain_sequence_loses_a_late_commit_and_the_journal_does_not() {
    testing::on_postgres(async |db: Db| {
        db.migrate(COUNTERS).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        let mut reader = journal.watch(0);
        let mut cursor = 0;
        let (mut a, mut b) = (db.begin().await.unwrap(), db.begin().await.unwrap());
        append(&mut a, &call(), 1, 1).await.unwrap();
        append(&mut b, &call(), 2, 1).await.unwrap();
        b.commit().await.unwrap();
        let plain = plain_reader(&db, &mut cursor).await;
        let ours = entry(&mut reader).await;
        a.commit().await.unwrap();
        let plain_late = plain_reader(&db, &mut cursor).await;
        let ours_late = entry(&mut reader).await;

        let committed: i64 = db.query(sql!("select count(*) from journal")).scalar().await.unwrap();
        assert_eq!((committed, plain.len() + plain_late.len()), (2, 1), "the plain reader lost A for ever");
        assert_eq!((ours.position, ours.subject.as_str()), (1, "2"), "B was numbered first");
        assert_eq!((ours_late.position, ours_late.subject.as_str()), (2, "1"), "A comes after it");
    });
}

async fn entry(steps: &mut crate::Steps) -> Entry {
    loop {
        if let Step::Entry(entry) = soon("the next entry", steps.next()).await.unwrap().unwrap() {
            return *entry;
        }
    }
}

on_both_databases! {
    async fn thirty_two_writers_lose_nothing_and_keep_each_subjects_order(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let mut replicas = vec![db.clone()];
        if db.dialect() == Dialect::Postgres {
            replicas.push(testing::replica(&db).await);
        }
        let mut journals = vec![];
        for replica in &replicas {
            journals.push(Journal::start(replica).await.unwrap());
        }
        let readers: Vec<_> = journals
            .iter()
            .flat_map(|journal| [journal.watch(0), journal.watch(0)])
            .map(|steps| tokio::spawn(read_all(steps)))
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let db = replicas[writer % replicas.len()].clone();
                tokio::spawn(async move {
                    let mut told = vec![];
                    while told.len() < WRITES {
                        told.extend(write(&db).await);
                    }
                    told
                })
            })
            .collect();
        let mut told = vec![];
        for writer in writers {
            told.extend(writer.await.unwrap());
        }
        let mut seen: Option<Vec<Entry>> = None;
        for reader in readers {
            let entries = reader.await.unwrap();
            assert!(seen.as_ref().is_none_or(|first| *first == entries), "readers disagree");
            seen = Some(entries);
        }
        let seen = seen.unwrap();
        for (position, subject, version) in told {
            let entry = &seen[usize::try_from(position).unwrap() - 1];
            assert_eq!((entry.position, &entry.subject, entry.version), (position, &subject.to_string(), version));
        }
    }
}

/// One business transaction, now and then slow before or after its append, or undone: position, subject, version.
async fn write(db: &Db) -> Option<(i64, i64, i64)> {
    let (subject, early, late, undone) = {
        let mut random = rand::rng();
        (
            random.random_range(0..SUBJECTS),
            random.random_range(0..4),
            random.random_range(0..4),
            random.random_bool(0.1),
        )
    };
    let mut tx = db.begin().await.unwrap();
    dawdle(&mut tx, early).await;
    let version = count(&mut tx, subject).await.unwrap();
    append(&mut tx, &call(), subject, version).await.unwrap();
    dawdle(&mut tx, late).await;
    if undone {
        return None;
    }
    Some((tx.commit_at(db).await.unwrap(), subject, version))
}

async fn dawdle(tx: &mut Tx, round_trips: usize) {
    for _ in 0..round_trips {
        tx.query(sql!("select n from counters where id = 0")).scalar::<i64>().await.unwrap();
    }
}

/// Every entry of the storm; each must be the next position, and its subject's next version.
async fn read_all(mut steps: crate::Steps) -> Vec<Entry> {
    let mut versions: HashMap<String, i64> = HashMap::new();
    let mut entries = Vec::new();
    while entries.len() < WRITERS * WRITES {
        let entry = entry(&mut steps).await;
        assert_eq!(entry.position, i64::try_from(entries.len()).unwrap() + 1);
        let version = versions.entry(entry.subject.clone()).or_default();
        *version += 1;
        assert_eq!(entry.version, *version, "subject {} in order, none lost, none twice", entry.subject);
        entries.push(entry);
    }
    entries
}
