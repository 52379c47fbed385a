//! The contexts of one process, wired together: databases, edge, peers, followers, background work.
//!
//! Building binds nothing. Contexts meet only through their contracts, whether they share this process or not.

mod contexts;
mod databases;
mod peers;
mod settle;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::sync::watch;
use tonic::service::RoutesBuilder;
use weir_model::{Clock, CorrelationId, Ids, Principal};
use weir_runtime::{AccessRow, Edge, EdgeParts, Identities, Metrics, Pace, Server, Shutdown, WakeUp, Workers};
use weir_store::{
    Db, Env,
    follow::{Follower, Source, Status},
    journal,
};
use weir_wire::{PageTokens, Peer};

use self::contexts::Opened;
pub use self::{
    databases::{migrate, pending},
    peers::far,
};
use crate::{roles::Role, settings::Settings};

/// How often a process looks for answers and journal entries to forget.
const FORGET_REST: Duration = Duration::from_secs(3_600);

/// Answers forgotten in one transaction: few enough to hold nobody up.
const FORGET_MAX: i64 = 1_000;

/// What a suite is built from.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// The roles to play.
    pub roles: &'a [Role],
    /// The time.
    pub clock: Clock,
    /// Where ids come from.
    pub ids: Ids,
    /// Where figures go.
    pub metrics: Metrics,
    /// How the process ends.
    pub shutdown: Shutdown,
}

/// Contexts at work behind their edge.
#[derive(Debug)]
pub struct Suite {
    edge: Edge,
    workers: Workers,
    shutdown: Shutdown,
    followers: Vec<Following>,
    contexts: Vec<(Role, Opened)>,
    databases: Vec<(Role, Db)>,
    wake_ups: Vec<WakeUp>,
}

/// What the contexts are wired with while a suite is being built.
struct Wiring {
    routes: RoutesBuilder,
    access: Vec<AccessRow>,
    pages: PageTokens,
    onward: weir_order_gate::api::Connect,
}

/// The background work of a suite while it is being built.
struct Work {
    workers: Workers,
    followers: Vec<Following>,
    wake_ups: Vec<WakeUp>,
}

/// A follower at work.
#[derive(Debug, Clone)]
struct Following {
    role: Role,
    name: String,
    feed: &'static str,
    status: watch::Receiver<Status>,
}

impl Work {
    /// Follows a feed until the process drains.
    fn follow<S: Source>(&mut self, role: Role, follower: Follower<S>) {
        let name = format!("{role} follows {}", follower.feed());
        self.followers.push(Following { role, name: name.clone(), feed: follower.feed(), status: follower.status() });
        let follower = Arc::new(tokio::sync::Mutex::new(follower));
        // a follower waits for its feed by itself; resting after a heartbeat would leave it deaf to what comes next
        self.workers.spawn(name, Pace::idle(Duration::ZERO), move || {
            let follower = Arc::clone(&follower);
            async move { follower.lock().await.step().await }
        });
    }

    /// Forgets answers nobody will ask for again.
    fn forget_requests(&mut self, role: Role, db: &Db, clock: &Clock, retention: Duration) {
        let (db, clock) = (db.clone(), clock.clone());
        self.workers.spawn(format!("{role} forgets requests"), Pace::idle(FORGET_REST), move || {
            let (db, before) = (db.clone(), clock.now() - retention);
            async move {
                let forgotten = db.forget_requests(before, FORGET_MAX).await?;
                Ok::<_, weir_store::Error>(usize::try_from(forgotten).unwrap_or(usize::MAX))
            }
        });
    }

    /// Forgets the journal's entries that are older than they are kept; one process at a time does.
    fn forget_journal(&mut self, role: Role, db: &Db, runner: &CorrelationId, clock: &Clock, retention: Duration) {
        let (db, clock, runner) = (db.clone(), clock.clone(), runner.clone());
        let wake_up = self.workers.spawn(format!("{role} forgets its journal"), Pace::idle(FORGET_REST), move || {
            let (db, runner, before) = (db.clone(), runner.clone(), clock.now() - retention);
            async move { journal::forget(&db, runner.as_str(), before).await }
        });
        self.wake_ups.push(wake_up);
    }
}

impl Suite {
    /// Opens the databases, wires the contexts, and starts following and background work.
    ///
    /// # Errors
    /// Where a database cannot be opened or its schema is behind, and where a peer is needed that nobody named.
    pub async fn build(plan: Plan<'_>) -> anyhow::Result<Self> {
        let Plan { settings, roles, clock, ids, metrics, shutdown } = plan;
        let (routes, onward) = (RoutesBuilder::default(), peers::onward());
        let mut wiring = Wiring { routes, access: Vec::new(), pages: pages(settings), onward };
        let mut databases = Vec::new();
        let mut opened = Vec::new();
        for role in roles {
            let db = databases::open(settings, *role).await.with_context(|| format!("role {role}"))?;
            databases.push((*role, db.clone()));
            let env = Env { db, clock: clock.clone(), ids: ids.clone() };
            let context = Opened::open(*role, env, settings).await.with_context(|| format!("role {role}"))?;
            context.serve(&mut wiring);
            context.measure(&metrics);
            opened.push((*role, context));
        }
        let edge = Edge::new(EdgeParts {
            routes: wiring.routes.routes(),
            access: wiring.access,
            descriptor_sets: vec![weir_wire::FILE_DESCRIPTOR_SET],
            identities: Identities::open(&settings.principal)?,
            tell: weir_wire::status,
            config: settings.edge.clone(),
            metrics: metrics.clone(),
            draining: shutdown.draining().clone(),
        })?;
        let peers = peers::Peers::new(&edge, roles, settings);
        let workers = Workers::new(shutdown.clone(), metrics);
        let mut work = Work { workers, followers: Vec::new(), wake_ups: Vec::new() };
        for (_, context) in &opened {
            context.work(&mut work, &peers)?;
        }
        let runner = ids.next();
        for (role, db) in &databases {
            work.forget_requests(*role, db, &clock, settings.database.request_retention);
            work.forget_journal(*role, db, &runner, &clock, settings.database.journal_retention);
        }
        let Work { workers, followers, wake_ups } = work;
        Ok(Suite { edge, workers, shutdown, followers, contexts: opened, databases, wake_ups })
    }

    /// The suite as a caller in this process sees it, edge included.
    pub fn peer(&self, caller: Principal) -> Peer {
        peers::near(&self.edge, caller)
    }

    /// Waits until every follower is level with what it follows.
    pub async fn ready(&self) {
        for Following { name, status, .. } in &self.followers {
            tracing::debug!(follower = name, "waiting");
            let mut status = status.clone();
            // a follower that is gone ends with its process: nothing is left to wait for
            let _ = status.wait_for(|status| status.caught_up).await;
        }
    }

    /// Listens; answers once [`Suite::run`] does.
    ///
    /// # Errors
    /// Where the address cannot be listened on, or must not be.
    pub async fn listen(&self, settings: &Settings) -> anyhow::Result<Server> {
        Ok(Server::bind(settings.server.clone(), self.edge.clone()).await?)
    }

    /// Answers until the process ends; says it serves when it is ready.
    pub async fn run(self, server: Server) {
        let (edge, followers, contexts) = (self.edge.clone(), self.followers.clone(), self.contexts.clone());
        let announce = async move {
            for Following { role, mut status, .. } in followers {
                tokio::select! {
                    reached = status.wait_for(|status| status.caught_up) => if reached.is_err() { return },
                    () = passed_on(&contexts, role) => {}
                }
            }
            edge.health().set_all_ready().await;
            tracing::info!("ready");
        };
        let announced = tokio::spawn(announce);
        server.run(self.shutdown.clone()).await;
        announced.abort();
        self.stop().await;
    }

    /// Ends background work and closes the databases; for a suite that listens to nobody.
    pub async fn stop(self) {
        self.shutdown.hurry();
        // at once: others wait for nothing else
        for (_, context) in &self.contexts {
            context.close().await;
        }
        self.workers.finished().await;
        for (_, db) in self.databases {
            db.close().await;
        }
    }
}

/// Ends when a role's calls are answered by another process.
async fn passed_on(contexts: &[(Role, Opened)], role: Role) {
    match contexts.iter().find(|(of, _)| *of == role) {
        Some((_, context)) => context.passes_on().await,
        None => std::future::pending().await,
    }
}

fn pages(settings: &Settings) -> PageTokens {
    use secrecy::ExposeSecret as _;
    use sha2::{Digest as _, Sha256};
    let key = settings.pages_key.expose_secret();
    if key.is_empty() {
        return PageTokens::new(rand::random());
    }
    PageTokens::new(Sha256::digest(key.as_bytes()).into())
}
