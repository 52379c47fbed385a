//! For tests: a fresh database each, on SQLite and on PostgreSQL, and the suites every context runs on its own database.
//! Only with the feature `testing`.
//!
//! PostgreSQL is the one `WEIR_TEST_POSTGRES` names, else a private cluster from whatever server binaries are installed.
//! With neither, tests on PostgreSQL return early, after one line on stderr; `WEIR_TEST_REQUIRE_POSTGRES=1` makes that a
//! failure. The private cluster runs without fsync: its tests show what is visible, not what survives power loss.
pub mod feed;
mod postgres;
mod schema;

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout_at};
use weir_model::{Call, CorrelationId, Fingerprint, RequestId};

pub use postgres::PostgresServer;
pub use schema::{prepare_all, same_schema};

use crate::{Db, Location};

/// How long a test waits for what must come; far more than it takes, so that only a defect lets it pass.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Connections of a test's PostgreSQL pool; small enough for many tests at once in one cluster.
const CONNECTIONS: u32 = 8;
/// Readers of a test's SQLite database.
const READERS: u32 = 4;

/// A fresh, empty database; gone when dropped.
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    folder: Option<TempDir>,
}

impl std::ops::Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl TestDb {
    /// Closes it and takes its schema or file away.
    pub async fn remove(self) {
        if let Location::Postgres { url, schema, .. } = self.db.location() {
            postgres::drop_schema(url, schema).await;
        }
        self.db.close().await;
        drop(self.folder);
    }
}

/// A fresh SQLite database in a folder of its own.
pub async fn sqlite() -> TestDb {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let location = Location::Sqlite { folder: folder.path().to_owned(), context: "test" };
    let db = Db::open(&location, READERS).await.expect("a new file can be opened");
    TestDb { db, folder: Some(folder) }
}

/// A fresh schema in PostgreSQL, where there is one.
pub async fn postgres() -> Option<TestDb> {
    let url = SecretString::from(postgres::url()?);
    let schema = format!("test_{}", random());
    let location = Location::Postgres { url, schema, connections: CONNECTIONS };
    let db = Db::open(&location, READERS).await.expect("the test PostgreSQL answers");
    Some(TestDb { db, folder: None })
}

/// A whole PostgreSQL database, for tests of several contexts, each of which makes its own schema in it.
#[derive(Debug)]
pub struct PostgresDatabase {
    /// Where it is.
    pub url: SecretString,
    name: String,
}

impl PostgresDatabase {
    /// Takes it away.
    pub async fn remove(self) {
        postgres::drop_database(&self.name).await;
    }
}

/// A fresh, empty PostgreSQL database, where there is a PostgreSQL.
pub async fn postgres_database() -> Option<PostgresDatabase> {
    let name = format!("weir_test_{}", random());
    Some(PostgresDatabase { url: postgres::new_database(&name).await?, name })
}

/// A fresh database of each kind there is.
pub async fn databases() -> Vec<TestDb> {
    let mut databases = vec![sqlite().await];
    databases.extend(postgres().await);
    databases
}

/// The same database opened once more, as another replica would.
pub async fn replica(db: &Db) -> Db {
    Db::open(db.location(), READERS).await.expect("what was opened once opens again")
}

/// Runs a test on a fresh SQLite database; what [`on_both_databases!`](crate::on_both_databases) stamps.
pub fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Db) -> F) {
    run(async {
        let fresh = sqlite().await;
        test(fresh.db.clone()).await;
        fresh.remove().await;
    });
}

/// Runs a test on a fresh PostgreSQL schema, where there is a PostgreSQL.
pub fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Db) -> F) {
    run(async {
        let Some(fresh) = postgres().await else { return };
        test(fresh.db.clone()).await;
        fresh.remove().await;
    });
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be started")
        .block_on(test);
}

/// Waits until something holds, looking again and again; fails the test with `what` when it never does.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}

/// Waits for something that must come; fails the test with `what` when it does not.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = timeout_at(Instant::now() + DEADLINE, future).await;
    assert!(result.is_ok(), "never: {what}");
    result.expect("just asserted")
}

/// A call on 2026-03-31 by a service, without a request id.
pub fn call() -> Call {
    let at = DateTime::<Utc>::from_timestamp(1_774_944_000, 0).expect("in range");
    let today = NaiveDate::from_ymd_opt(2026, 3, 31).expect("a date");
    let correlation = CorrelationId::parse("test").expect("an id");
    Call::internal("weir.test.v1.TestService/Change", correlation, at, today)
}

/// The same with a request id, and a content that `content` stands for.
pub fn request(id: &str, content: u8) -> Call {
    let id = RequestId::parse(id).expect("an id");
    Call { fingerprint: Fingerprint([content; 32]), ..call().with_request_id(Some(id)) }
}

/// Stamps each test twice: `name::sqlite` and `name::postgres`, each with a fresh, empty database.
///
/// ```ignore
/// on_both_databases! {
///     async fn a_limit_is_kept(db: Db) {
///         db.migrate(MIGRATIONS).await.unwrap();
///     }
/// }
/// ```
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: $ty:ty) $body:block)+) => {$(
        $(#[$meta])*
        async fn $name($db: $ty) $body
        mod $name {
            #[test]
            fn sqlite() {
                $crate::testing::on_sqlite(super::$name);
            }
            #[test]
            fn postgres() {
                $crate::testing::on_postgres(super::$name);
            }
        }
    )+};
}

#[expect(clippy::disallowed_methods, reason = "names of throw-away schemas need only be unique")]
fn random() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}
