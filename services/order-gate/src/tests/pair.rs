//! Two gates on one PostgreSQL that share its partitions and reach one another.

use std::sync::{Arc, Weak};

use hashbrown::HashMap;
use parking_lot::Mutex;
use weir_store::testing::{eventually, replica};
use weir_store::{Db, Env};
use weir_wire::Peer;

use super::world::{World, account, credit, routes};
use crate::draft::News;
use crate::standing::Credit;
use crate::{OrderGate, Ownership, api, ownership};

/// Headers of the calls passed on, by where to.
pub(super) type Seen = Arc<Mutex<Vec<(String, http::HeaderMap)>>>;

/// Gates by where they are reached; weak, or the two would keep each other alive.
type Known = Arc<Mutex<HashMap<String, Weak<OrderGate>>>>;

pub(super) struct Pair {
    pub(super) first: World,
    pub(super) second: World,
    pub(super) seen: Seen,
    known: Known,
}

fn at(address: &str) -> Ownership {
    Ownership { address: address.to_owned(), ..Ownership::default() }
}

fn connect(known: &Known, seen: &Seen) -> api::Connect {
    let (known, seen) = (known.clone(), seen.clone());
    Arc::new(move |address| {
        let (to, seen) = (address.to_owned(), seen.clone());
        let note = move |request: &mut http::Request<tonic::body::Body>| {
            seen.lock().push((to.clone(), request.headers().clone()));
        };
        let gate = known.lock().get(address)?.upgrade()?;
        Some(Peer::new(routes(&gate, Arc::new(|_| None)), Arc::new(note)))
    })
}

/// How many partitions a gate decides for.
pub(super) fn share(world: &World) -> usize {
    world.gate.engine.directory(|directory| directory.here().len())
}

/// Whether a gate decides for an account.
pub(super) fn holds(world: &World, id: &str) -> bool {
    world.gate.engine.directory(|directory| directory.holds(&account(id)))
}

impl Pair {
    /// Both with half of the partitions.
    pub(super) async fn new(db: Db) -> Pair {
        let (known, seen) = (Known::default(), Seen::default());
        let first = World::new_beside(db, at("http://first"), connect(&known, &seen)).await;
        known.lock().insert("http://first".to_owned(), Arc::downgrade(&first.gate));
        let env = Env { db: replica(&first.env.db).await, ..first.env.clone() };
        let second = World::open_beside(env, at("http://second"), connect(&known, &seen)).await;
        known.lock().insert("http://second".to_owned(), Arc::downgrade(&second.gate));
        let pair = Pair { first, second, seen, known };
        pair.settled().await;
        pair
    }

    /// Waits until both decide for half of the partitions and know of each other.
    pub(super) async fn settled(&self) {
        eventually("both have their share", async || {
            let knows =
                |world: &World| world.gate.engine.directory(|d| (0..64).all(|p| *d.seat(p) != ownership::Seat::Nobody));
            [&self.first, &self.second].into_iter().all(|world| share(world) == 32 && knows(world))
        })
        .await;
    }

    /// An account a gate decides for by the account's own id; the others begin with other words.
    pub(super) fn account_of(&self, world: &World, word: &str) -> String {
        (0..).map(|n| format!("{word}-{n}")).find(|id| holds(world, id)).unwrap()
    }

    /// Another context says something to both, as feeds do.
    pub(super) async fn hear(&self, news: News) {
        self.first.hear(vec![news.clone()]).await;
        self.second.hear(vec![news]).await;
    }

    pub(super) async fn credit(&self, id: &str, credit: Credit) {
        self.hear(News::Credit(account(id), Arc::new(credit))).await;
    }

    /// An account of each gate, with room for 100.
    pub(super) async fn accounts(&self) -> (String, String) {
        let (one, other) = (self.account_of(&self.first, "one"), self.account_of(&self.second, "other"));
        self.credit(&one, credit(100)).await;
        self.credit(&other, credit(100)).await;
        (one, other)
    }

    /// Nobody reaches the first any more.
    pub(super) fn forget_first(&self) {
        self.known.lock().remove("http://first");
    }
}
