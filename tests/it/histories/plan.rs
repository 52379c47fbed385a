//! What goes wrong in a run, from its seed.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use weir_model::Role;
use weir_tests::{Cut, Gates, Signal};
use weir_wire::order_gate::v1::GetPartitionMapRequest;

use super::load::{Client, Load, caller};

/// Faults of one run.
const FAULTS: usize = 4;
/// Calls answered after each fault before the next.
const RECOVERED: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Killed, and started again once the other goes on.
    Kill,
    /// Stopped until the other goes on, then continued.
    Stop,
    /// Stopped for a moment, then continued.
    Pause,
    CrashDatabase,
    CutRequest,
    CutAnswer,
}

const ALL: [Fault; 6] =
    [Fault::Kill, Fault::Stop, Fault::Pause, Fault::CrashDatabase, Fault::CutRequest, Fault::CutAnswer];

/// The faults of a run: a different first one for each of a few seeds in a row, so that a few meet all of them.
fn faults(seed: u64) -> Vec<Fault> {
    let first = ALL[usize::try_from(seed % 6).unwrap()];
    let mut others = ALL.to_vec();
    others.retain(|fault| *fault != first);
    others.shuffle(&mut StdRng::seed_from_u64(seed));
    [first].into_iter().chain(others).take(FAULTS).collect()
}

/// The faults of a run, for people.
pub(super) fn told(seed: u64) -> String {
    faults(seed).iter().map(|fault| format!("{fault:?} ")).collect()
}

/// Has everything go wrong that the seed says, each once the one before is over.
pub(super) async fn carry_out(gates: &mut Gates, load: &Load, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    load.answered(RECOVERED).await;
    for fault in faults(seed) {
        // mostly the one that decides
        let owner = owner(gates).await;
        let gate = if random.random_ratio(3, 4) { owner } else { 1 - owner };
        strike(gates, load, (fault, gate)).await;
        load.answered(RECOVERED).await;
        gates.recovered().await;
    }
}

async fn strike(gates: &mut Gates, load: &Load, (fault, gate): (Fault, usize)) {
    match fault {
        Fault::Kill => {
            gates.kill(gate);
            load.answered_by(1 - gate, RECOVERED).await;
            gates.start(gate);
        }
        Fault::Stop => {
            gates.signal(gate, Signal::SIGSTOP);
            load.answered_by(1 - gate, RECOVERED).await;
            gates.signal(gate, Signal::SIGCONT);
        }
        Fault::Pause => {
            gates.signal(gate, Signal::SIGSTOP);
            load.tried(4).await;
            gates.signal(gate, Signal::SIGCONT);
        }
        Fault::CrashDatabase => gates.crash_database().await,
        Fault::CutRequest => gates.cut(gate, Cut::Request),
        Fault::CutAnswer => gates.cut(gate, Cut::Answer),
    }
}

/// The gate that decides, as soon as either says so.
async fn owner(gates: &Gates) -> usize {
    let viewer = caller("viewer", Role::Viewer);
    for turn in 0.. {
        let mut client = Client::new(gates.way(turn % 2, &viewer));
        let Ok(map) = client.get_partition_map(GetPartitionMapRequest {}).await else { continue };
        let address = map.into_inner().partitions[0].address.clone();
        if let Some(owner) = [0, 1].into_iter().find(|gate| gates.url(*gate) == address) {
            return owner;
        }
    }
    unreachable!("they are asked for ever")
}
