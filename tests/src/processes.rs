//! A process a role, each really started, and really killed where a test asks for it. They know their
//! callers by tokens, and one another by a key they share.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use secrecy::{ExposeSecret as _, SecretString};
use weir::{roles::Role, suite};
use weir_model::Principal;
use weir_runtime::Credentials;
use weir_wire::Peer;

use crate::issuer::Issuer;

/// The lease of a gate: short, so that a test need not wait for long, and longer than a machine with much to do is slow.
pub const LEASE: Duration = Duration::from_secs(2);

/// One process a role on the same PostgreSQL, and a second gate where a test asks for one. Killed when dropped.
#[derive(Debug)]
pub struct Processes {
    folder: PathBuf,
    issuer: Issuer,
    database: SecretString,
    addresses: BTreeMap<Role, SocketAddr>,
    running: BTreeMap<Role, Child>,
    second_gate: Option<(SocketAddr, Child)>,
}

impl Processes {
    /// Starts all five and waits until each is ready.
    pub async fn start(folder: &Path, database: SecretString) -> Processes {
        let (processes, ready) = Processes::spawn_all(folder, database, |_| true);
        tokio::task::spawn_blocking(move || ready.iter().for_each(wait)).await.expect("waiting does not fail");
        processes
    }

    /// Starts some, which find all at addresses of theirs.
    pub(crate) fn spawn_all(
        folder: &Path,
        database: SecretString,
        which: impl Fn(Role) -> bool,
    ) -> (Processes, Vec<mpsc::Receiver<()>>) {
        let addresses = Role::ALL.into_iter().zip(free_addresses()).collect();
        let (folder, issuer, running) = (folder.to_owned(), Issuer::new(folder), BTreeMap::new());
        let mut processes = Processes { folder, issuer, database, addresses, running, second_gate: None };
        let ready = Role::ALL.into_iter().filter(|role| which(*role)).map(|role| processes.spawn(role)).collect();
        (processes, ready)
    }

    /// Starts a role that was killed, and waits until it is ready.
    pub async fn restart(&mut self, role: Role) {
        let ready = self.spawn(role);
        tokio::task::spawn_blocking(move || wait(&ready)).await.expect("waiting does not fail");
    }

    /// Starts a second gate beside the first, and waits until it listens.
    pub async fn start_second_gate(&mut self) {
        let address = *free_addresses().first().expect("a free address");
        let (child, listening) = self.start_process(Role::OrderGate, (address, &self.database, LEASE), "\"listening\"");
        self.second_gate = Some((address, child));
        tokio::task::spawn_blocking(move || wait(&listening)).await.expect("waiting does not fail");
    }

    /// The ways to the first and the second gate.
    pub fn gates(&self, caller: &Principal) -> [Peer; 2] {
        let (second, _) = self.second_gate.as_ref().expect("a second gate was started");
        [self.address(Role::OrderGate), *second].map(|address| self.with_token(address, caller))
    }

    /// Where a role's process is reached.
    pub fn url(&self, role: Role) -> String {
        format!("http://{}", self.address(role))
    }

    /// Sends a signal to a role's process.
    pub fn signal(&self, role: Role, signal: Signal) {
        tell(self.running.get(&role).expect("the role is running"), signal);
    }

    /// Kills a role as a failing machine would: SIGKILL, no farewell.
    pub fn kill(&mut self, role: Role) {
        let mut child = self.running.remove(&role).expect("the role is running");
        child.kill().expect("a child can be killed");
        child.wait().expect("a killed child ends");
    }

    /// The way to a role for a caller with a token.
    pub fn peer(&self, role: Role, caller: &Principal) -> Peer {
        self.with_token(self.address(role), caller)
    }

    /// The way to a role for a caller who says who it is and has no token to prove it.
    pub fn peer_without_token(&self, role: Role, caller: &Principal) -> Peer {
        way(self.address(role), Credentials::named(caller))
    }

    pub(crate) fn with_token(&self, address: SocketAddr, caller: &Principal) -> Peer {
        let token_file = self.issuer.token_file(caller);
        way(address, Credentials::token_file(&token_file).expect("a token has been written"))
    }

    pub(crate) fn address(&self, role: Role) -> SocketAddr {
        *self.addresses.get(&role).expect("every role has an address")
    }

    /// Ends all of them.
    pub fn stop(mut self) {
        for role in Role::ALL {
            if self.running.contains_key(&role) {
                self.kill(role);
            }
        }
    }

    /// Starts a role; the receiver hears of it once it is ready.
    fn spawn(&mut self, role: Role) -> mpsc::Receiver<()> {
        let place = (self.address(role), &self.database, LEASE);
        let (child, ready) = self.start_process(role, place, "\"ready\"");
        self.running.insert(role, child);
        ready
    }

    /// Starts a process that listens at an address, goes to a database, and has a lease if it is a gate; the receiver
    /// hears of it once it logs a word.
    pub(crate) fn start_process(
        &self,
        role: Role,
        (address, database, lease): (SocketAddr, &SecretString, Duration),
        word: &'static str,
    ) -> (Child, mpsc::Receiver<()>) {
        let mut command = Command::new(program());
        command
            .args(["serve", role.as_str(), "--listen", &address.to_string()])
            .current_dir(&self.folder)
            .env_clear()
            .env("WEIR_DATABASE__URL", database.expose_secret())
            .env("WEIR_DATABASE__CONNECTIONS", "8")
            .envs(self.issuer.settings())
            .env("WEIR_TELEMETRY__METRICS_LISTEN", "")
            .env("WEIR_ORDER_GATE__ADDRESS", format!("http://{address}"))
            .env("WEIR_ORDER_GATE__LEASE", format!("{}ms", lease.as_millis()))
            .env("WEIR_SHUTDOWN__WAIT", "0s")
            .env("WEIR_TELEMETRY__LOG_FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        for (other, address) in &self.addresses {
            command.env(format!("WEIR_PEERS__{}", other.database().to_uppercase()), format!("http://{address}"));
        }
        let mut child = command.spawn().expect("the program can be started");
        let lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let (tell, ready) = mpsc::channel();
        std::thread::spawn(move || {
            // read to the end, so that the process never waits for room to write
            for line in lines.map_while(Result::ok) {
                if line.contains(word) {
                    let _ = tell.send(());
                }
            }
        });
        (child, ready)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let second = self.second_gate.as_mut().map(|(_, child)| child);
        for child in self.running.values_mut().chain(second) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn way(address: SocketAddr, credentials: Credentials) -> Peer {
    suite::far(&format!("http://{address}"), credentials).expect("an address of ours is one")
}

/// Sends a signal to a process.
pub(crate) fn tell(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).expect("a process id");
    kill(Pid::from_raw(id), signal).expect("a child can be signalled");
}

pub(crate) fn wait(ready: &mpsc::Receiver<()>) {
    ready.recv_timeout(weir_store::testing::DEADLINE).expect("a started process gets ready");
}

/// The program, beside the folder of this test's own binary: cargo builds both.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a file");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in the folder deps of a profile");
    let program = folder.join("weir");
    assert!(program.exists(), "{} is missing: run `cargo build` first", program.display());
    program
}

/// Five addresses nobody listens on.
pub(crate) fn free_addresses() -> Vec<SocketAddr> {
    let listeners: Vec<TcpListener> =
        (0..Role::ALL.len()).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("a bound listener has an address")).collect()
}
