//! Following a feed: each change takes effect once and in order, whatever the line does.
use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream;
use futures::{StreamExt as _, TryStreamExt as _};
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use crate::follow::{FeedStep, FollowError, Follower, Line, SnapshotStep, Source, SourceError};
use crate::testing::{DEADLINE, call, replica, soon, sqlite};
use crate::{Change, Db, Error, Journal, Migration, Result, Step, Tx, bookmark, journal, on_both_databases, sql};

use super::{COUNTERS, count};

const EFFECTS: &[Migration] = &[Migration {
    version: 100,
    name: "effects",
    sql: "create table effects (id {int} primary key, n {int} not null, times {int} not null) {table};",
}];
const FEED: &str = "counters";

/// What the line does the next time it is opened.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Breaks after so many steps.
    Breaks(usize),
    /// Leaves out the step with this index.
    Skips(usize),
    /// Sends the step with this index twice.
    Repeats(usize),
    /// Ends in mid-snapshot.
    CutsSnapshot,
}

/// The counters of another database, near.
#[derive(Clone)]
struct Counters {
    db: Db,
    journal: Journal,
    troubles: Arc<Mutex<VecDeque<Trouble>>>,
    snapshots: Arc<Mutex<usize>>,
    refused: Arc<Mutex<Option<i64>>>,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    id: i64,
    n: i64,
}

impl Counters {
    async fn new() -> (Self, crate::testing::TestDb) {
        let db = sqlite().await;
        db.migrate(COUNTERS).await.unwrap();
        let journal = Journal::start(&db).await.unwrap();
        let counters = Counters {
            db: db.clone(),
            journal,
            troubles: Arc::default(),
            snapshots: Arc::default(),
            refused: Arc::default(),
        };
        (counters, db)
    }

    async fn write(&self, times: usize) {
        let call = call();
        for i in 0..times {
            let work = async |tx: &mut Tx| -> Result<()> {
                let id = i64::try_from(i).unwrap() % 3;
                let n = count(tx, id).await?;
                let subject = id.to_string();
                let change = Change { kind: "counted", subject: &subject, version: n, before: None, after: json!(n) };
                journal::append_in(tx, &call, &change).await
            };
            self.db.once(&call, work).await.unwrap();
        }
    }

    fn trouble(&self, trouble: Trouble) {
        self.troubles.lock().push_back(trouble);
    }
}

impl Source for Counters {
    type Change = Counted;
    type Error = Error;

    async fn snapshot(&self) -> Result<Line<SnapshotStep<Counted>>, SourceError> {
        *self.snapshots.lock() += 1;
        let position = self.journal.head().await.map_err(SourceError::failed)?;
        let query = self.db.query(sql!("select id, n from counters where n > 0 order by id"));
        let rows: Vec<(i64, i64)> = query.all().await.map_err(SourceError::failed)?;
        let mut steps: Vec<_> = rows.into_iter().map(|(id, n)| Ok(SnapshotStep::State(Counted { id, n }))).collect();
        let cut = matches!(self.troubles.lock().front(), Some(Trouble::CutsSnapshot));
        if cut {
            self.troubles.lock().pop_front();
        } else {
            steps.push(Ok(SnapshotStep::End { position }));
        }
        Ok(stream::iter(steps).boxed())
    }

    async fn watch(&self, after: i64) -> Result<Line<FeedStep<Counted>>, SourceError> {
        let steps = self.journal.watch(after).map_err(|error| match error {
            Error::PositionCompacted { .. } | Error::PositionAhead { .. } => SourceError::Compacted,
            error => SourceError::failed(error),
        });
        let steps = steps.map_ok(|step| match step {
            Step::Heartbeat { position } => FeedStep::Heartbeat { position },
            Step::Entry(entry) => {
                let change = Counted { id: entry.subject.parse().unwrap(), n: entry.version };
                FeedStep::Entry { position: entry.position, change: Some(change) }
            }
        });
        let trouble = self.troubles.lock().pop_front();
        Ok(match trouble {
            Some(Trouble::Breaks(at)) => {
                let broken = stream::once(async { Err(SourceError::failed("the line broke")) });
                steps.take(at).chain(broken).boxed()
            }
            Some(Trouble::Skips(at)) => {
                steps.enumerate().filter_map(move |(i, step)| async move { (i != at).then_some(step) }).boxed()
            }
            Some(Trouble::Repeats(at)) => steps
                .enumerate()
                .flat_map(move |(i, step)| {
                    let again = match (&step, i == at) {
                        (Ok(step), true) => Some(Ok(step.clone())),
                        _ => None,
                    };
                    stream::iter([Some(step), again].into_iter().flatten())
                })
                .boxed(),
            Some(Trouble::CutsSnapshot) | None => steps.boxed(),
        })
    }

    async fn apply_in(&self, tx: &mut Tx, change: &Counted) -> Result<()> {
        if *self.refused.lock() == Some(change.n) {
            return Err(Error::Constraint("not now".to_owned()));
        }
        let upsert = sql!(
            "insert into effects (id, n, times) values ($1, $2, 1) on conflict (id) do update
                 set n = excluded.n, times = effects.times + 1 where effects.n < excluded.n"
        );
        tx.query(upsert).bind(change.id).bind(change.n).execute().await?;
        Ok(())
    }
}

/// Steps until the bookmark is there; returns the errors met on the way.
async fn follow_to(follower: &mut Follower<Counters>, position: i64) -> Vec<FollowError<Error>> {
    let mut errors = vec![];
    while follower.status().borrow().position != Some(position) {
        errors.extend(soon("the next step", follower.step()).await.err());
    }
    errors
}

/// Counter, value, how often it changed here.
async fn effects(db: &Db) -> Vec<(i64, i64, i64)> {
    db.query(sql!("select id, n, times from effects order by id")).all().await.unwrap()
}

on_both_databases! {
    async fn every_change_takes_effect_once_and_in_order(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        follow_to(&mut follower, 0).await;
        source.write(200).await;
        follow_to(&mut follower, 200).await;
        assert_eq!(effects(&db).await, [(0, 67, 67), (1, 67, 67), (2, 66, 66)]);
        assert_eq!(bookmark::get(&db, FEED).await.unwrap(), Some(200));
    }

    async fn a_broken_line_is_taken_up_where_it_broke(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        for at in [0, 1, 7, 64, 65] {
            source.trouble(Trouble::Breaks(at));
        }
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        // an empty snapshot first, so that every change is seen as a change
        assert!(follower.step().await.is_err());
        source.write(200).await;
        let errors = follow_to(&mut follower, 200).await;
        assert_eq!(errors.len(), 4);
        assert_eq!(effects(&db).await, [(0, 67, 67), (1, 67, 67), (2, 66, 66)]);
        assert_eq!(*source.snapshots.lock(), 1);
    }

    async fn a_hole_is_refused_and_read_again(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        follow_to(&mut follower, 0).await;
        drop(follower);
        source.write(9).await;
        source.trouble(Trouble::Skips(4));
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        let errors = follow_to(&mut follower, 9).await;
        assert!(matches!(errors[..], [FollowError::Hole { expected: 5, found: 6 }]), "{errors:?}");
        assert_eq!(effects(&db).await, [(0, 3, 3), (1, 3, 3), (2, 3, 3)]);
    }

    async fn an_entry_that_comes_twice_is_refused(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        follow_to(&mut follower, 0).await;
        drop(follower);
        source.write(3).await;
        source.trouble(Trouble::Repeats(1));
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        let errors = follow_to(&mut follower, 3).await;
        assert!(matches!(errors[..], [FollowError::Hole { expected: 3, found: 2 }]), "{errors:?}");
    }

    async fn the_first_start_takes_a_snapshot(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        source.write(9).await;
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        follow_to(&mut follower, 9).await;
        assert_eq!(effects(&db).await, [(0, 3, 1), (1, 3, 1), (2, 3, 1)]);
    }

    async fn a_snapshot_cut_short_is_taken_again(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        source.write(9).await;
        source.trouble(Trouble::CutsSnapshot);
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        assert!(matches!(follower.step().await, Err(FollowError::Ended)));
        assert_eq!(bookmark::get(&db, FEED).await.unwrap(), None, "half a snapshot is no bookmark");
        follow_to(&mut follower, 9).await;
        assert_eq!(*source.snapshots.lock(), 2);
    }

    async fn a_compacted_position_takes_a_new_snapshot(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        source.write(3).await;
        follow_to(&mut follower, 3).await;
        drop(follower);
        source.write(6).await;
        source.journal.compact(6).await.unwrap();
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        let errors = follow_to(&mut follower, 9).await;
        assert!(matches!(errors[..], [FollowError::Source(SourceError::Compacted)]), "{errors:?}");
        assert_eq!(effects(&db).await, [(0, 3, 2), (1, 3, 2), (2, 3, 2)]);
        assert_eq!(*source.snapshots.lock(), 2);
    }

    async fn a_change_that_cannot_take_effect_moves_no_bookmark(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        follow_to(&mut follower, 0).await;
        *source.refused.lock() = Some(2);
        source.write(6).await;
        let met = loop {
            match soon("a step", follower.step()).await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(met, FollowError::Effect(Error::Constraint(_))), "{met}");
        let before = bookmark::get(&db, FEED).await.unwrap().unwrap();
        let changed: i64 = effects(&db).await.iter().map(|(_, _, times)| times).sum();
        assert_eq!(changed, before, "what took effect and the bookmark agree");
        *source.refused.lock() = None;
        follow_to(&mut follower, 6).await;
        assert_eq!(effects(&db).await, [(0, 2, 2), (1, 2, 2), (2, 2, 2)]);
    }

    async fn two_replicas_that_follow_at_once_have_one_effect(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        let mut one = Follower::new(db.clone(), FEED, source.clone());
        follow_to(&mut one, 0).await;
        let mut two = Follower::new(replica(&db).await, FEED, source.clone());
        let writing = source.write(90);
        let (_, _, ()) = tokio::join!(follow_to(&mut one, 90), follow_to(&mut two, 90), writing);
        assert_eq!(effects(&db).await, [(0, 30, 30), (1, 30, 30), (2, 30, 30)]);
    }

    async fn a_follower_knows_when_it_is_level(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        source.write(3).await;
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        let mut status = follower.status();
        assert!(!status.borrow().caught_up);
        let running = tokio::spawn(async move { follower.run().await });
        soon("it is level", status.wait_for(|status| status.caught_up && status.position == Some(3))).await.unwrap();
        running.abort();
    }

    async fn a_reader_can_wait_for_what_was_written_elsewhere(db: Db) {
        db.migrate(EFFECTS).await.unwrap();
        let (source, _kept) = Counters::new().await;
        let mut follower = Follower::new(db.clone(), FEED, source.clone());
        let running = tokio::spawn(async move { follower.run().await });
        source.write(3).await;
        bookmark::reached(&db, FEED, 3, Instant::now() + DEADLINE).await.unwrap();
        assert_eq!(effects(&db).await.iter().map(|(_, n, _)| n).sum::<i64>(), 3);
        let beyond = bookmark::reached(&db, FEED, 4, Instant::now()).await;
        assert!(matches!(beyond, Err(Error::DeadlinePassed)));
        running.abort();
    }

    async fn a_bookmark_moves_only_from_where_it_is(db: Db) {
        db.migrate(&[]).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        bookmark::advance_in(&mut tx, FEED, None, 5).await.unwrap();
        assert!(matches!(bookmark::advance_in(&mut tx, FEED, None, 6).await, Err(Error::BookmarkMoved(_))));
        assert!(matches!(bookmark::advance_in(&mut tx, FEED, Some(4), 6).await, Err(Error::BookmarkMoved(_))));
        bookmark::advance_in(&mut tx, FEED, Some(5), 6).await.unwrap();
        bookmark::save_in(&mut tx, "another", 1).await.unwrap();
        bookmark::save_in(&mut tx, FEED, 2).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(bookmark::get(&db, FEED).await.unwrap(), Some(2));
        assert_eq!(bookmark::get(&db, "none").await.unwrap(), None);
    }
}
