//! What the process says of its readiness over `grpc.health.v1`: for each service, and for all of them as `""`.
//!
//! Nothing serves until it is told to, and nothing serves again once the process drains. Whether the process answers at
//! all is another question, with a name of its own: who is not ready waits for others, and restarting it helps nobody.

mod endpoint;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::FutureExt as _;
use tokio::sync::Mutex;
use tonic::service::Routes;
use tonic_health::{
    ServingStatus,
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};

pub(crate) use self::endpoint::HealthEndpoint;

/// The name of all services together.
const ALL: &str = "";

/// The name under which a process that answers says that it lives, ready or not, to its very end.
pub const LIVENESS: &str = "liveness";

/// Readiness of the services; cheap to clone.
#[derive(Debug, Clone)]
pub struct Health {
    reporter: HealthReporter,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    ready: BTreeMap<String, bool>,
    draining: bool,
}

impl Health {
    /// Adds the health service to routes; every service begins as not serving.
    pub(crate) fn beside(routes: Routes, services: &BTreeSet<String>) -> (Self, Routes) {
        let ready = services.iter().map(|service| (service.clone(), false)).collect();
        let state = Arc::new(Mutex::new(State { ready, draining: false }));
        let health = Health { reporter: HealthReporter::new(), state };
        let begin = async {
            health.reporter.set_service_status(LIVENESS, ServingStatus::Serving).await;
            health.publish().await;
        };
        begin.now_or_never().expect("nobody else can hold the locks yet");
        let routes = routes.add_service(health.service());
        (health, routes)
    }

    fn service(&self) -> HealthServer<HealthService> {
        HealthServer::new(HealthService::from_health_reporter(self.reporter.clone()))
    }

    /// Says that every service is ready.
    pub async fn set_all_ready(&self) {
        self.state.lock().await.ready.values_mut().for_each(|ready| *ready = true);
        self.publish().await;
    }

    /// Says that nothing is ready, from here on: callers go elsewhere.
    pub async fn drain(&self) {
        self.state.lock().await.draining = true;
        self.publish().await;
    }

    async fn publish(&self) {
        let state = self.state.lock().await;
        for (service, ready) in &state.ready {
            self.reporter.set_service_status(service, serving(*ready && !state.draining)).await;
        }
        self.reporter.set_service_status(ALL, serving(state.all())).await;
    }
}

impl State {
    fn all(&self) -> bool {
        !self.draining && self.ready.values().all(|ready| *ready)
    }
}

fn serving(is_serving: bool) -> ServingStatus {
    if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing }
}
