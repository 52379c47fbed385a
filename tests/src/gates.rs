//! Two real gate processes beside one process of each other role, on a PostgreSQL of their own. Each gate has its own line
//! to the database; gates are killed, stopped and continued, lines are cut, and the database crashes.

use std::{
    net::SocketAddr,
    process::Child,
    time::{Duration, Instant},
};

use secrecy::SecretString;
use tempfile::TempDir;
use weir::{roles::Role, settings::Settings, suite};
use weir_model::{Principal, SubjectId};
use weir_store::testing::{DEADLINE, PostgresServer};
use weir_wire::{
    Peer,
    order_gate::v1::{GetPartitionMapRequest, order_gate_service_client::OrderGateServiceClient},
};

use crate::{
    Cut, Desk, Processes, Signal,
    line::Line,
    processes::{free_addresses, tell, wait},
};

/// The lease of a gate: a run waits for it again and again.
const LEASE: Duration = Duration::from_secs(1);

/// Two gates and all they live on. Killed when dropped.
#[derive(Debug)]
pub struct Gates {
    gates: [Gate; 2],
    others: Processes,
    postgres: Option<PostgresServer>,
    _folder: TempDir,
}

#[derive(Debug)]
struct Gate {
    address: SocketAddr,
    line: Line,
    database: SecretString,
    child: Option<Child>,
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Gate {
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Gates {
    /// Starts everything and waits until it serves; none where no PostgreSQL server is installed.
    pub async fn open() -> Option<Gates> {
        let postgres = blocking(PostgresServer::start).await?;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut settings = Settings::embedded(folder.path()).expect("the defaults hold together");
        settings.database.url = postgres.url();
        for role in Role::ALL {
            suite::migrate(&settings, role).await.expect("an empty database can be migrated");
        }
        let is_other = |role| role != Role::OrderGate;
        let (others, mut ready) = Processes::spawn_all(folder.path(), postgres.url(), is_other);
        let second = *free_addresses().first().expect("a free address");
        let mut gates = Vec::new();
        for address in [others.address(Role::OrderGate), second] {
            let line = Line::to(&postgres.socket()).await;
            let database = format!("postgres://weir@{}/postgres", line.address()).into();
            gates.push(Gate { address, line, database, child: None });
        }
        let gates = <[Gate; 2]>::try_from(gates).expect("two");
        let mut gates = Gates { gates, others, postgres: Some(postgres), _folder: folder };
        ready.extend([0, 1].map(|gate| gates.spawn(gate)));
        blocking(move || ready.iter().for_each(wait)).await;
        Some(gates)
    }

    /// A place for a caller to call all roles from; of the gates the first.
    pub fn desk(&self, caller: &Principal) -> Desk {
        Desk::far(Role::ALL.map(|role| (role, self.others.peer(role, caller))))
    }

    /// The way to a gate.
    pub fn way(&self, gate: usize, caller: &Principal) -> Peer {
        self.others.with_token(self.gate(gate).address, caller)
    }

    /// Where a gate is reached, as it says itself.
    pub fn url(&self, gate: usize) -> String {
        format!("http://{}", self.gate(gate).address)
    }

    /// Kills a gate as a failing machine would: no farewell.
    pub fn kill(&mut self, gate: usize) {
        self.gate_mut(gate).kill();
    }

    /// Starts a gate that was killed; waits for nothing.
    pub fn start(&mut self, gate: usize) {
        drop(self.spawn(gate));
    }

    /// Sends a signal to a gate.
    pub fn signal(&self, gate: usize, signal: Signal) {
        tell(self.gate(gate).child.as_ref().expect("the gate is running"), signal);
    }

    /// Cuts a gate's line to the database at whatever comes next.
    pub fn cut(&self, gate: usize, cut: Cut) {
        self.gate(gate).line.cut(cut);
    }

    /// Has the database crash and recover.
    pub async fn crash_database(&mut self) {
        let mut postgres = self.postgres.take().expect("it is put back");
        self.postgres = Some(
            blocking(move || {
                postgres.crash();
                postgres
            })
            .await,
        );
    }

    /// Waits until both gates answer, starting again whichever ended: one that finds no database when it starts does.
    pub async fn recovered(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        let viewer = Principal::new(SubjectId::parse("viewer").expect("a name"), [weir_model::Role::Viewer]);
        for gate in [0, 1] {
            let mut client = OrderGateServiceClient::new(self.way(gate, &viewer));
            while client.get_partition_map(GetPartitionMapRequest {}).await.is_err() {
                assert!(Instant::now() < deadline, "never: gate {gate} answers");
                let ended = |child: &mut Child| child.try_wait().is_ok_and(|status| status.is_some());
                if self.gate_mut(gate).child.as_mut().is_none_or(ended) {
                    self.start(gate);
                }
            }
        }
    }

    /// The receiver hears of it once the gate listens.
    fn spawn(&mut self, gate: usize) -> std::sync::mpsc::Receiver<()> {
        let Gate { address, database, .. } = self.gate(gate);
        let (child, listening) =
            self.others.start_process(Role::OrderGate, (*address, database, LEASE), "\"listening\"");
        self.gate_mut(gate).child = Some(child);
        listening
    }

    fn gate(&self, gate: usize) -> &Gate {
        self.gates.get(gate).expect("the first or the second")
    }

    fn gate_mut(&mut self, gate: usize) -> &mut Gate {
        self.gates.get_mut(gate).expect("the first or the second")
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the work does not fail")
}
