//! Everything that takes part: servers started, tables filled, contenders ready to be asked.

use std::{process::Command, sync::Arc};

use tempfile::TempDir;

use crate::{
    alternatives::{self, Redis, Sql},
    contender::{Contender, Grpc, Way},
    orders::{Orders, Spread},
    report::say,
    server::hex,
    services::{self, Process, Service},
    streams::{Kind, Streams},
};

/// Connections to PostgreSQL that serve a spread of accounts best.
const CONNECTIONS: usize = 16;
/// Those that serve one hot account best: more of them only wait for its lock.
const CONNECTIONS_HOT_TRANSACTION: usize = 4;
const CONNECTIONS_HOT_FUNCTION: usize = 8;

/// Database servers of the run.
#[derive(Debug)]
pub(crate) struct Services {
    postgres: Option<Service>,
    redis_always: Option<Service>,
    redis_everysec: Option<Service>,
}

impl Services {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let postgres = services::postgres()?;
        if postgres.is_none() {
            say("No PostgreSQL server is installed: what needs one is left out.");
        }
        let redis_always = services::redis("always")?;
        if redis_always.is_none() {
            say("No redis-server is installed: Redis is left out.");
        }
        Ok(Services { postgres, redis_always, redis_everysec: services::redis("everysec")? })
    }

    fn url(&self) -> Option<String> {
        self.postgres.as_ref().map(|service| format!("postgres://weir@127.0.0.1:{}/postgres", service.port))
    }
}

/// The contenders for one spread of orders.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) contenders: Vec<Arc<Contender>>,
    _processes: Vec<Process>,
    _folder: TempDir,
}

impl Stage {
    /// Starts fresh servers on fresh databases: what was reserved before weighs on nobody.
    pub(crate) async fn start(services: &Services, spread: Spread, only: &[String]) -> anyhow::Result<Stage> {
        let mut cast = Cast::default();
        let folder = tempfile::tempdir()?;
        let path = folder.path().display().to_string();
        let sqlite = cast.serve(&["gate", "--folder", &path])?;
        let answer = Grpc::connect(&sqlite.said).await?.sample(&Orders::new(spread)?.next()).await?;
        say(&format!("  ({} bytes an answer)", answer.len()));
        let answer = hex(&answer);
        let echo = cast.serve(&["echo", "--answer", &answer])?;
        let contract = cast.serve(&["contract", "--answer", &answer])?;
        cast.grpc("echo", &echo, &[], Way::Authorize).await?;
        cast.grpc("protobuf", &contract, &[], Way::Authorize).await?;
        cast.grpc("check", &sqlite, &[], Way::Check).await?;
        cast.grpc("check-stream", &sqlite, &[], |grpc| Way::Streams(Streams::new(grpc, Kind::Check))).await?;
        cast.grpc("gate-sqlite", &sqlite, &[], Way::Authorize).await?;
        cast.grpc("stream-sqlite", &sqlite, &[], |grpc| Way::Streams(Streams::new(grpc, Kind::Authorize))).await?;
        let mut processes = vec![sqlite, echo, contract];
        if let (Some(url), Some(server)) = (services.url(), &services.postgres) {
            let schema = format!("gate_{}", spread as u8);
            let gate = cast.serve(&["gate", "--url", &url, "--schema", &schema])?;
            cast.grpc("gate-postgres", &gate, &[server.pid()], Way::Authorize).await?;
            let streams = |grpc| Way::Streams(Streams::new(grpc, Kind::Authorize));
            cast.grpc("stream-postgres", &gate, &[server.pid()], streams).await?;
            processes.push(gate);
            alternatives::prepare(&url).await?;
            let hot = spread == Spread::Hot;
            let connections = if hot { CONNECTIONS_HOT_TRANSACTION } else { CONNECTIONS };
            let sql = Sql::open(&url, alternatives::Way::Transaction, connections).await?;
            cast.add("for-update", vec![server.pid()], Way::Sql(sql));
            let connections = if hot { CONNECTIONS_HOT_FUNCTION } else { CONNECTIONS };
            let sql = Sql::open(&url, alternatives::Way::Function, connections).await?;
            cast.add("plpgsql", vec![server.pid()], Way::Sql(sql));
        }
        for (name, service) in [("redis-always", &services.redis_always), ("redis-everysec", &services.redis_everysec)]
        {
            if let Some(service) = service {
                cast.add(name, vec![service.pid()], Way::Redis(Redis::open(service.port).await?));
            }
        }
        let asked_for = |contender: &Contender| {
            // ratios are to the echo
            contender.name == "echo" || only.is_empty() || only.iter().any(|name| contender.name.contains(name))
        };
        let contenders = cast.0.into_iter().filter(asked_for).map(Arc::new).collect();
        Ok(Stage { contenders, _processes: processes, _folder: folder })
    }
}

#[derive(Default)]
struct Cast(Vec<Contender>);

impl Cast {
    fn serve(&self, arguments: &[&str]) -> anyhow::Result<Process> {
        Process::start(Command::new(std::env::current_exe()?).arg("serve").args(arguments))
    }

    fn add(&mut self, name: &'static str, pids: Vec<u32>, way: Way) {
        self.0.push(Contender { name, way, pids });
    }

    async fn grpc(
        &mut self,
        name: &'static str,
        server: &Process,
        databases: &[u32],
        way: fn(Grpc) -> Way,
    ) -> anyhow::Result<()> {
        let pids = [&[server.pid], databases].concat();
        self.add(name, pids, way(Grpc::connect(&server.said).await?));
        Ok(())
    }
}
