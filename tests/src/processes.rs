//! A process a role, each really started, and really killed where a test asks for it. They know their
//! callers by tokens, and one another by a key they share.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use secrecy::{ExposeSecret as _, SecretString};
use weir::{roles::Role, suite};
use weir_model::Principal;
use weir_runtime::Credentials;
use weir_wire::Peer;

use crate::issuer::Issuer;

/// One process a role on the same PostgreSQL. Killed when dropped.
#[derive(Debug)]
pub struct Processes {
    folder: PathBuf,
    issuer: Issuer,
    database: SecretString,
    addresses: BTreeMap<Role, SocketAddr>,
    running: BTreeMap<Role, Child>,
}

impl Processes {
    /// Starts all five and waits until each is ready.
    pub async fn start(folder: &Path, database: SecretString) -> Processes {
        let addresses = Role::ALL.into_iter().zip(free_addresses()).collect();
        let (folder, issuer) = (folder.to_owned(), Issuer::new(folder));
        let mut processes = Processes { folder, issuer, database, addresses, running: BTreeMap::new() };
        let ready: Vec<_> = Role::ALL.into_iter().map(|role| processes.spawn(role)).collect();
        tokio::task::spawn_blocking(move || ready.iter().for_each(wait)).await.expect("waiting does not fail");
        processes
    }

    /// Starts a role that was killed, and waits until it is ready.
    pub async fn restart(&mut self, role: Role) {
        let ready = self.spawn(role);
        tokio::task::spawn_blocking(move || wait(&ready)).await.expect("waiting does not fail");
    }

    /// Kills a role as a failing machine would: SIGKILL, no farewell.
    pub fn kill(&mut self, role: Role) {
        let mut child = self.running.remove(&role).expect("the role is running");
        child.kill().expect("a child can be killed");
        child.wait().expect("a killed child ends");
    }

    /// The way to a role for a caller with a token.
    pub fn peer(&self, role: Role, caller: &Principal) -> Peer {
        let token_file = self.issuer.token_file(caller);
        self.way(role, Credentials::token_file(&token_file).expect("a token has been written"))
    }

    /// The way to a role for a caller who says who it is and has no token to prove it.
    pub fn peer_without_token(&self, role: Role, caller: &Principal) -> Peer {
        self.way(role, Credentials::named(caller))
    }

    fn way(&self, role: Role, credentials: Credentials) -> Peer {
        let address = format!("http://{}", self.address(role));
        suite::far(&address, credentials).expect("an address of ours is one")
    }

    fn address(&self, role: Role) -> SocketAddr {
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
        let mut command = Command::new(program());
        command
            .args(["serve", role.as_str(), "--listen", &self.address(role).to_string()])
            .current_dir(&self.folder)
            .env_clear()
            .env("WEIR_DATABASE__URL", self.database.expose_secret())
            .env("WEIR_DATABASE__CONNECTIONS", "8")
            .envs(self.issuer.settings())
            .env("WEIR_TELEMETRY__METRICS_LISTEN", "")
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
                if line.contains("\"ready\"") {
                    let _ = tell.send(());
                }
            }
        });
        self.running.insert(role, child);
        ready
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn wait(ready: &mpsc::Receiver<()>) {
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
fn free_addresses() -> Vec<SocketAddr> {
    let listeners: Vec<TcpListener> =
        (0..Role::ALL.len()).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("a bound listener has an address")).collect()
}
