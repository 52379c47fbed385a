//! What the process says of its readiness over `grpc.health.v1`: for each service, and for all of them as `""`.
//!
//! Nothing serves until it is told to, and nothing serves again once the process drains.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::FutureExt as _;
use tokio::sync::Mutex;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

/// The name of all services together.
const ALL: &str = "";

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
        let (reporter, server) = tonic_health::server::health_reporter();
        let ready = services.iter().map(|service| (service.clone(), false)).collect();
        let health = Health { reporter, state: Arc::new(Mutex::new(State { ready, draining: false })) };
        health.publish().now_or_never().expect("nobody else can hold the locks yet");
        (health, routes.add_service(server))
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
