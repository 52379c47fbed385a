//! A writer that gives its journal entries their positions itself.
use crate::journal::{append_numbered_in, head_position, push_numbered};
use crate::testing::{call, on_postgres};
use crate::{Db, Journal, NewEntry, on_both_databases, sql};

use super::COUNTERS;

fn entries(call: &weir_model::Call) -> [NewEntry<'_>; 2] {
    let entry = |subject| NewEntry { call, kind: "counted", subject, version: 1, before: None, after: "{}" };
    [entry("one"), entry("two")]
}

on_both_databases! {
    async fn entries_come_after_the_journals_end_and_their_writer_knows_where(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let call = call();
        for before in [0, 2] {
            let mut tx = db.begin().await.unwrap();
            assert_eq!(append_numbered_in(&mut tx, &entries(&call)).await.unwrap(), before);
            tx.commit().await.unwrap();
        }
        let journal = Journal::start(&db).await.unwrap();
        let read = journal.read(0).await.unwrap();
        let seen: Vec<_> = read.iter().map(|entry| (entry.position, entry.subject.as_str())).collect();
        assert_eq!(seen, [(1, "one"), (2, "two"), (3, "one"), (4, "two")]);
    }

    async fn no_entries_move_nothing(db: Db) {
        db.migrate(COUNTERS).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        assert_eq!(append_numbered_in(&mut tx, &entries(&call())).await.unwrap(), 0);
        assert_eq!(append_numbered_in(&mut tx, &[]).await.unwrap(), 2);
        tx.commit().await.unwrap();
        assert_eq!(head_position(&db).await.unwrap(), 2);
    }
}

#[test]
fn a_writers_own_statement_appends_only_where_its_condition_holds() {
    on_postgres(async |db: Db| {
        db.migrate(COUNTERS).await.unwrap();
        let call = call();
        let mut session = db.session().unwrap();
        for (condition, appended) in [("exists (select from counters where id = 99)", false), ("true", true)] {
            let query = session.build("with ").await.unwrap();
            let query = push_numbered(query, condition, &entries(&call)).push(" select position from head");
            assert_eq!(query.optional::<(i64,)>().await.unwrap(), appended.then_some((2,)));
        }
        let lines: i64 = db.query(sql!("select count(*) from journal")).scalar().await.unwrap();
        assert_eq!((head_position(&db).await.unwrap(), lines), (2, 2));
    });
}
