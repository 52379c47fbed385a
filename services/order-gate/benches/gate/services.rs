//! Servers the program starts for itself, on ports and in folders of their own, gone with the program however it ends.
//! What is not installed is left out, and said so.

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

/// `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;
/// A cold start on a busy machine takes a few seconds.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Where distributions put servers that are not on the PATH, each with a folder a version.
const INSTALLED: &str = "/usr/lib/postgresql";
/// Runs a server until standard input ends; says its process id first.
const WATCHDOG: &str = r#"
    trap '' INT TERM HUP
    signal=$1; shift
    "$@" >server.log 2>&1 &
    echo $!
    read -r _
    kill -s $signal $!
    wait $!
"#;

/// A process that ends with this one.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) pid: u32,
    /// The first line it wrote.
    pub(crate) said: String,
}

impl Process {
    /// Starts a command and waits for its first line.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Process> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let out = child.stdout.take().context("standard output is a pipe")?;
        let mut said = String::new();
        BufReader::new(out).read_line(&mut said)?;
        ensure!(!said.is_empty(), "{:?} ended at once", command.get_program());
        Ok(Process { pid: child.id(), said: said.trim().to_owned(), child })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // whatever became of it, nobody is left to be told
        let _ = self.child.wait();
    }
}

/// A database server of this run.
#[derive(Debug)]
pub(crate) struct Service {
    process: Process,
    pub(crate) port: u16,
    // last: the folder goes once the server is gone
    _folder: TempDir,
}

impl Service {
    /// The server's own process id.
    pub(crate) fn pid(&self) -> u32 {
        // the watchdog says whom it watches
        self.process.said.parse().unwrap_or(self.process.pid)
    }
}

/// A PostgreSQL with every safeguard on; none where none is installed.
pub(crate) fn postgres() -> anyhow::Result<Option<Service>> {
    let Some(programs) = postgres_programs() else { return Ok(None) };
    let folder = folder()?;
    let data = folder.path().join("data");
    let made = command(&programs.join("initdb"), folder.path())?
        .arg("-D")
        .arg(&data)
        .args(["-U", "weir", "-A", "trust", "-E", "UTF8", "--locale=C"])
        .stdout(Stdio::null())
        .status()?;
    ensure!(made.success(), "initdb: {made}");
    let server = programs.join("postgres").display().to_string();
    let data = data.display().to_string();
    watched(folder, "QUIT", |port| {
        let mut arguments = vec![server, "-D".to_owned(), data, "-k".to_owned(), String::new()];
        arguments.extend(["-h", "127.0.0.1", "-p"].map(str::to_owned));
        arguments.push(port.to_string());
        // frequent checkpoints would be measured instead of the contenders
        for setting in ["max_wal_size=8GB", "shared_buffers=512MB", "max_connections=200", "checkpoint_timeout=30min"] {
            arguments.extend(["-c".to_owned(), setting.to_owned()]);
        }
        arguments
    })
    .map(Some)
}

/// A Redis that appends every write to its file, synced as told; none where none is installed.
pub(crate) fn redis(appendfsync: &str) -> anyhow::Result<Option<Service>> {
    // by its own name: one program is all of Redis's tools, and looks at what it was called as
    let Some(server) = path().map(|folder| folder.join("redis-server")).find(|server| server.is_file()) else {
        return Ok(None);
    };
    let folder = folder()?;
    watched(folder, "KILL", |port| {
        let options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", appendfsync];
        let mut arguments = vec![server.display().to_string(), "--port".to_owned(), port.to_string()];
        arguments.extend(options.map(str::to_owned));
        arguments
    })
    .map(Some)
}

fn watched(folder: TempDir, signal: &str, arguments: impl FnOnce(u16) -> Vec<String>) -> anyhow::Result<Service> {
    // free a moment ago: nobody else is likely to take it
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut shell = command(Path::new("/bin/sh"), folder.path())?;
    shell.args(["-c", WATCHDOG, "sh", signal]).args(arguments(port)).process_group(0);
    let process = Process::start(&mut shell)?;
    let deadline = Instant::now() + START_DEADLINE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap_or_default();
            bail!("a server did not start: {log}");
        }
        sleep(Duration::from_millis(20));
    }
    // it accepts before it answers
    sleep(Duration::from_millis(500));
    Ok(Service { process, port, _folder: folder })
}

/// A folder of its own; `nobody`'s where this process is root.
fn folder() -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("weir-bench-").tempdir()?;
    if folder.path().metadata()?.uid() == 0 {
        chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
    }
    Ok(folder)
}

/// A command that runs in a folder, as its owner.
fn command(program: &Path, folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program);
    let owner = folder.metadata()?.uid();
    command.current_dir(folder).env_remove("PGDATA").uid(owner).gid(folder.metadata()?.gid());
    Ok(command)
}

#[expect(clippy::disallowed_methods, reason = "servers are looked for on the PATH")]
fn path() -> impl Iterator<Item = PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir(INSTALLED).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    path()
        .chain(versions)
        .filter_map(|folder| folder.join("postgres").canonicalize().ok())
        .filter_map(|server| Some(server.parent()?.to_owned()))
        .find(|folder| folder.join("initdb").exists())
}
