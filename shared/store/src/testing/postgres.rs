//! A private PostgreSQL for the tests of one process: its own cluster on a Unix socket in a temporary folder, as an
//! account that owns nothing when the tests run as root, gone with the process however that ends.
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

/// `nobody`: the server refuses to run as root.
const NOBODY: u32 = 65534;
/// A cold start on a busy machine takes a few seconds.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Where distributions and package managers put servers, each with a folder a version.
const INSTALLED: &[&str] =
    &["/usr/lib/postgresql", "/usr/pgsql-18", "/usr/pgsql-17", "/opt/homebrew/opt", "/usr/local/opt"];

/// Runs the server until its own standard input closes, which happens when the test process is gone. A line on it makes
/// the server crash and start again.
const WATCHDOG: &str = r#"
    trap '' INT TERM HUP
    serve() {
        "$1/postgres" -D "$2/data" -k "$2" -h '' -F \
            -c max_connections=400 -c shared_buffers=64MB -c timezone=UTC -c log_min_messages=fatal >>"$2/log" 2>&1 &
        server=$!
    }
    serve "$1" "$2"
    while read -r _; do
        kill -QUIT $server
        wait $server
        serve "$1" "$2"
    done
    kill -QUIT $server
    wait $server
    rm -rf "$2"
"#;

#[derive(Debug)]
struct Cluster {
    folder: PathBuf,
    /// Holds the pipe the watchdog reads.
    watchdog: Child,
}

impl Cluster {
    fn url(&self) -> String {
        let host = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://weir@{host}/postgres")
    }
}

/// A private PostgreSQL of one test's own, which may make it crash. Gone when dropped.
#[derive(Debug)]
pub struct PostgresServer(Cluster);

impl PostgresServer {
    /// Starts it; none where no server is installed.
    pub fn start() -> Option<Self> {
        start_installed().map(PostgresServer)
    }

    /// The URL of its one database, through its socket.
    pub fn url(&self) -> SecretString {
        self.0.url().into()
    }

    /// The socket it listens on.
    pub fn socket(&self) -> PathBuf {
        self.0.folder.join(".s.PGSQL.5432")
    }

    /// Ends every connection and every process of it wherever they are, and waits until it has recovered.
    pub fn crash(&mut self) {
        let before = pid(&self.0.folder);
        let pipe = self.0.watchdog.stdin.as_mut().expect("the watchdog reads a pipe");
        pipe.write_all(b"\n").expect("the watchdog reads on");
        wait_until_ready(&self.0.folder, before.as_deref());
    }
}

/// The URL of the tests' PostgreSQL, starting it at first; none where there is none.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where their PostgreSQL is")]
pub(super) fn url() -> Option<String> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    if let Ok(url) = std::env::var("WEIR_TEST_POSTGRES") {
        return Some(url);
    }
    CLUSTER.get_or_init(start_installed).as_ref().map(Cluster::url)
}

/// Starts a private cluster; none where no server is installed.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment whether they may do without")]
fn start_installed() -> Option<Cluster> {
    let Some(programs) = programs() else {
        let required = std::env::var("WEIR_TEST_REQUIRE_POSTGRES").is_ok_and(|v| v == "1");
        assert!(!required, "WEIR_TEST_REQUIRE_POSTGRES=1, but no PostgreSQL server was found");
        let line = "no PostgreSQL found (set WEIR_TEST_POSTGRES or install a server): its tests are skipped\n";
        // a test's note: a closed stderr is no failure
        let _ = std::io::stderr().write_all(line.as_bytes());
        return None;
    };
    Some(start(&programs).expect("a private PostgreSQL starts"))
}

/// The folder of an installed server's programs, the newest of those in one place.
#[expect(clippy::disallowed_methods, reason = "a server on the PATH comes first")]
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for installed in INSTALLED {
        folders.push(Path::new(installed).join("bin"));
        let versions = std::fs::read_dir(installed).into_iter().flatten().flatten();
        let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        folders.extend(versions.into_iter().rev());
    }
    folders
        .into_iter()
        .filter_map(|folder| folder.join("postgres").canonicalize().ok())
        .filter_map(|server| Some(server.parent()?.to_owned()))
        .find(|folder| folder.join("initdb").exists())
}

fn start(programs: &Path) -> std::io::Result<Cluster> {
    // in /tmp, whatever TMPDIR says: the path of a socket is short, and `nobody` must get there
    let folder = tempfile::Builder::new().prefix("weir-pg-").tempdir_in("/tmp")?.keep();
    let root = folder.metadata()?.uid() == 0;
    if root {
        chown(&folder, Some(NOBODY), Some(NOBODY))?;
    }
    let command = |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir(&folder).env_remove("PGDATA").stdout(Stdio::null()).stderr(Stdio::null());
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    let made = command(&programs.join("initdb"))
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-U", "weir", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        .stdin(Stdio::null())
        .status()?;
    assert!(made.success(), "initdb: {made}");
    let watchdog = command(Path::new("/bin/sh"))
        .args(["-c", WATCHDOG, "sh"])
        .arg(programs)
        .arg(&folder)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()?;
    wait_until_ready(&folder, None);
    Ok(Cluster { folder, watchdog })
}

fn status(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join("data/postmaster.pid")).ok()
}

/// The process that serves, as text.
fn pid(folder: &Path) -> Option<String> {
    status(folder)?.lines().next().map(str::to_owned)
}

/// Waits until a process serves that is not the one `before`.
fn wait_until_ready(folder: &Path, before: Option<&str>) {
    let deadline = Instant::now() + START_DEADLINE;
    let is_ready = |text: String| text.lines().next() != before && text.lines().any(|line| line.trim() == "ready");
    while !status(folder).is_some_and(is_ready) {
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "PostgreSQL did not start: {}", log());
        sleep(Duration::from_millis(10));
    }
}

/// Makes an empty database in the tests' PostgreSQL and gives its URL; none where there is no PostgreSQL.
pub(super) async fn new_database(name: &str) -> Option<SecretString> {
    let url = url()?;
    let options = PgConnectOptions::from_str(&url).expect("the URL of the tests' PostgreSQL");
    let mut connection = PgConnection::connect_with(&options).await.expect("the tests' PostgreSQL answers");
    let sql = format!("create database {name} template template0");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a new database can be made");
    let _ = connection.close().await;
    Some(options.database(name).to_url_lossy().to_string().into())
}

/// Takes a test's database away; one that stays behind harms nobody.
pub(super) async fn drop_database(name: &str) {
    let Some(url) = url() else { return };
    let Ok(mut connection) = PgConnection::connect(&url).await else { return };
    let sql = format!("drop database if exists {name} with (force)");
    let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
    let _ = connection.close().await;
}

/// Takes a test's schema away; one that stays behind harms nobody.
pub(super) async fn drop_schema(url: &SecretString, schema: &str) {
    let Ok(mut connection) = PgConnection::connect(url.expose_secret()).await else { return };
    let sql = format!("drop schema if exists {schema} cascade");
    let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
    let _ = connection.close().await;
}
