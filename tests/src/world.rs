//! A whole suite for one test: in this process without ports, or a process a role over TCP, on either database.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use tempfile::TempDir;
use weir::{
    roles::Role,
    settings::Settings,
    suite::{self, Plan, Suite},
};
use weir_model::{Clock, Ids, Principal};
use weir_runtime::{Metrics, Shutdown};
use weir_store::testing::{self, PostgresDatabase};

use crate::{Desk, Processes};

/// How the contexts of a suite reach one another, and where their data lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One process, embedded databases, no ports.
    NearOnSqlite,
    /// One process, PostgreSQL, no ports.
    NearOnPostgres,
    /// A process a role over TCP, PostgreSQL, callers with tokens.
    FarOnPostgres,
}

impl Way {
    /// Every way there is.
    pub const ALL: [Way; 3] = [Way::NearOnSqlite, Way::NearOnPostgres, Way::FarOnPostgres];
}

/// A whole suite for one test.
#[derive(Debug)]
pub struct World {
    clock: Clock,
    settings: Settings,
    body: Body,
    database: Option<PostgresDatabase>,
    folder: TempDir,
}

#[derive(Debug)]
enum Body {
    Near(Box<Suite>),
    Far(Processes),
}

impl World {
    /// A new suite with nothing in it; none where it takes a PostgreSQL and there is none.
    ///
    /// Near, the clock stands at the present instant until the test moves it; far, every process has the system's.
    pub async fn open(way: Way) -> Option<World> {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut settings = Settings::embedded(folder.path()).expect("the defaults hold together");
        let database = match way {
            Way::NearOnSqlite => None,
            Way::NearOnPostgres | Way::FarOnPostgres => Some(testing::postgres_database().await?),
        };
        if let Some(database) = &database {
            settings.database.url = database.url.clone();
            for role in Role::ALL {
                suite::migrate(&settings, role).await.expect("an empty database can be migrated");
            }
        }
        let clock = Clock::manual(now(), settings.zone().expect("the default time zone is one"));
        let body = match way {
            Way::FarOnPostgres => Body::Far(Processes::start(folder.path(), url(&settings)).await),
            _ => Body::Near(Box::new(build(&settings, &clock, &Role::ALL).await)),
        };
        Some(World { clock, settings, body, database, folder })
    }

    /// The suite's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The folder of its embedded databases and its outbox.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A place for a caller to call from.
    pub fn desk(&self, caller: Principal) -> Desk {
        match &self.body {
            Body::Near(suite) => {
                let peer = suite.peer(caller);
                Desk::new(move |_| peer.clone())
            }
            Body::Far(processes) => {
                let peers = Role::ALL.map(|role| (role, processes.peer(role, &caller)));
                Desk::far(peers)
            }
        }
    }

    /// A place for a caller without a token; at a suite of processes, which ask for one.
    pub fn desk_without_token(&mut self, caller: &Principal) -> Desk {
        let processes = self.processes();
        Desk::far(Role::ALL.map(|role| (role, processes.peer_without_token(role, caller))))
    }

    /// Kills a role's process with SIGKILL and starts it anew; for a suite of processes.
    pub async fn kill_and_restart(&mut self, role: Role) {
        let processes = self.processes();
        processes.kill(role);
        processes.restart(role).await;
    }

    /// The processes of a suite that is several.
    pub fn processes(&mut self) -> &mut Processes {
        let processes = match &mut self.body {
            Body::Far(processes) => Some(processes),
            Body::Near(_) => None,
        };
        processes.expect("a suite of processes, which alone can lose a part")
    }

    /// Ends it and starts it anew with some of the roles; for a suite near.
    #[must_use]
    pub async fn restarted_as(self, roles: &[Role]) -> World {
        let body = match self.body {
            Body::Near(suite) => {
                suite.stop().await;
                Body::Near(Box::new(build(&self.settings, &self.clock, roles).await))
            }
            far @ Body::Far(_) => far,
        };
        World { body, ..self }
    }

    /// Ends it and takes its data away.
    pub async fn close(self) {
        match self.body {
            Body::Near(suite) => suite.stop().await,
            Body::Far(processes) => processes.stop(),
        }
        if let Some(database) = self.database {
            database.remove().await;
        }
    }
}

async fn build(settings: &Settings, clock: &Clock, roles: &[Role]) -> Suite {
    let plan = Plan {
        settings,
        roles,
        clock: clock.clone(),
        ids: Ids::random(),
        metrics: Metrics::new(),
        shutdown: Shutdown::new(settings.shutdown.clone()),
    };
    let suite = Suite::build(plan).await.expect("a suite on fresh databases can be built");
    suite.ready().await;
    suite
}

fn url(settings: &Settings) -> SecretString {
    settings.database.url.clone()
}

#[expect(clippy::disallowed_methods, reason = "a test's clock starts where the system's stands")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
