//! A process killed while it commits to SQLite: everything it had acknowledged is there, nothing is half there.
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::testing::call;
use crate::{Change, Db, Location, Tx, journal, sql};

use super::{COUNTERS, count, counter};

/// Tells the test below that it is the process to be killed, and where.
const FOLDER: &str = "WEIR_CRASH_FOLDER";
const KILLS: usize = 6;
const ACKNOWLEDGED: &str = "acknowledged ";

async fn open(folder: &Path) -> Db {
    let location = Location::Sqlite { folder: folder.to_owned(), context: "crash" };
    let db = Db::open(&location, 1).await.unwrap();
    db.migrate(COUNTERS).await.unwrap();
    db
}

/// Commits for ever when it is the process to be killed; otherwise there is nothing to do.
#[test]
#[expect(clippy::disallowed_methods, reason = "how a parent tells its child what to be")]
fn commits_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = open(Path::new(&folder)).await;
        let call = call();
        loop {
            let done = db.once(&call, async |tx: &mut Tx| -> crate::Result<i64> {
                let n = count(tx, 1).await?;
                let change = Change { kind: "counted", subject: "1", version: n, before: None, after: json!(n) };
                journal::append_in(tx, &call, &change).await?;
                Ok(n)
            });
            let n = done.await.unwrap().value;
            let mut out = std::io::stdout().lock();
            writeln!(out, "{ACKNOWLEDGED}{n}").unwrap();
            out.flush().unwrap();
        }
    });
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut highest = 0;
    for kill in 1..=KILLS {
        let before = highest;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["tests::crash::commits_until_killed", "--exact", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            // libtest may have begun the line
            let Some((_, n)) = line.split_once(ACKNOWLEDGED) else { continue };
            highest = n.parse::<i64>().unwrap();
            if highest == before + i64::try_from(7 * kill).unwrap() {
                // SIGKILL; what it had written to the pipe is still read
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(highest > before, "it did commit");
        let db = open(folder.path()).await;
        let n = counter(&db, 1).await;
        assert!(n >= highest, "{highest} was acknowledged, {n} is there");
        assert!(n <= highest + 1, "only one commit could be under way");
        let entries: Vec<(i64, i64)> =
            db.query(sql!("select position, version from journal order by position")).all().await.unwrap();
        assert_eq!(entries, (1..=n).map(|n| (n, n)).collect::<Vec<_>>(), "state and journal agree");
        highest = n;
        // the next child may open the folder
        db.close().await;
    }
}

#[tokio::test]
async fn every_sqlite_connection_is_set_for_money() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path()).await;
    let mut tx = db.begin().await.unwrap();
    let written = (
        tx.query(sql!("pragma journal_mode")).scalar::<String>().await.unwrap(),
        tx.query(sql!("pragma synchronous")).scalar::<i64>().await.unwrap(),
        tx.query(sql!("pragma foreign_keys")).scalar::<i64>().await.unwrap(),
    );
    assert_eq!(written, ("wal".to_owned(), 2, 1), "2 is FULL: a commit waits for the disk");
    let read_only: i64 = db.query(sql!("pragma query_only")).scalar().await.unwrap();
    assert_eq!(read_only, 1);
}
