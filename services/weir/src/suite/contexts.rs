//! What each context needs and offers: the one place that knows all five.

use std::{sync::Arc, time::Duration};

use weir_assessment::Assessment;
use weir_collections::Collections;
use weir_limits::Limits;
use weir_order_gate::OrderGate;
use weir_receivables::Receivables;
use weir_runtime::{Metrics, Pace};
use weir_store::Env;

use super::{Wiring, Work, peers::Peers};
use crate::{roles::Role, settings::Settings};

/// How often a process looks whether a date has come.
const DATES_REST: Duration = Duration::from_secs(30);

/// How long a notice may wait in the outbox when nobody wakes the sender.
const SENDER_REST: Duration = Duration::from_secs(1);

/// A context, open and not yet at work.
#[derive(Debug, Clone)]
pub(super) enum Opened {
    Assessment(Arc<Assessment>),
    Limits(Arc<Limits>),
    OrderGate(Arc<OrderGate>),
    Receivables(Arc<Receivables>),
    Collections(Arc<Collections>),
}

impl Opened {
    /// Opens a role's context on its migrated database.
    pub(super) async fn open(role: Role, env: Env, settings: &Settings) -> anyhow::Result<Self> {
        Ok(match role {
            Role::Assessment => Opened::Assessment(Arc::new(Assessment::open(env).await?)),
            Role::Limits => Opened::Limits(Arc::new(Limits::open(env).await?)),
            Role::OrderGate => {
                Opened::OrderGate(Arc::new(OrderGate::open(env, settings.order_gate.clone().into()).await?))
            }
            Role::Receivables => Opened::Receivables(Arc::new(Receivables::open(env).await?)),
            Role::Collections => {
                Opened::Collections(Arc::new(Collections::open(env, settings.notices.for_collections()).await?))
            }
        })
    }

    /// Puts the context's services behind the edge.
    pub(super) fn serve(&self, wiring: &mut Wiring) {
        let Wiring { routes, access, pages, onward } = wiring;
        let rows = match self {
            Opened::Assessment(context) => {
                weir_assessment::api::routes(context, pages, routes);
                weir_assessment::api::ACCESS
            }
            Opened::Limits(context) => {
                weir_limits::api::routes(context, pages, routes);
                weir_limits::api::ACCESS
            }
            Opened::OrderGate(context) => {
                weir_order_gate::api::routes(context, pages, onward.clone(), routes);
                weir_order_gate::api::ACCESS
            }
            Opened::Receivables(context) => {
                weir_receivables::api::routes(context, pages, routes);
                weir_receivables::api::ACCESS
            }
            Opened::Collections(context) => {
                weir_collections::api::routes(context, pages, routes);
                weir_collections::api::ACCESS
            }
        };
        access.extend_from_slice(rows);
    }

    /// Adds the context's own figures.
    pub(super) fn measure(&self, metrics: &Metrics) {
        if let Opened::OrderGate(context) = self {
            metrics.register(|registry| context.register(registry));
        }
    }

    /// Ends when the context needs nothing of its own to answer, because another process does.
    pub(super) async fn passes_on(&self) {
        match self {
            Opened::OrderGate(context) => context.passes_on().await,
            _ => std::future::pending().await,
        }
    }

    /// Lets another process go on where this one ends.
    pub(super) async fn close(&self) {
        if let Opened::OrderGate(context) = self {
            context.close().await;
        }
    }

    /// Starts what the context does by itself: following other contexts, sending what is queued.
    pub(super) fn work(&self, work: &mut Work, peers: &Peers<'_>) -> anyhow::Result<()> {
        match self {
            Opened::Assessment(context) => {
                let from = Role::Assessment;
                let receivables = peers.way(from, Role::Receivables)?;
                work.follow(from, weir_assessment::follow::receivables(context, receivables));
                work.follow(from, weir_assessment::follow::order_gate(context, peers.way(from, Role::OrderGate)?));
                let context = Arc::clone(context);
                work.workers.spawn("assessment forgets how accounts paid", Pace::idle(DATES_REST), move || {
                    let context = Arc::clone(&context);
                    async move { context.step().await }
                });
            }
            Opened::Limits(context) => {
                let from = Role::Limits;
                let assessment = peers.way(from, Role::Assessment)?;
                work.follow(from, weir_limits::follow::assessment(context, assessment));
                let context = Arc::clone(context);
                work.workers.spawn("limits brings accounts up to date", Pace::idle(DATES_REST), move || {
                    let context = Arc::clone(&context);
                    async move { context.step().await }
                });
            }
            Opened::OrderGate(context) => {
                let from = Role::OrderGate;
                work.follow(from, weir_order_gate::follow::limits(context, peers.way(from, Role::Limits)?));
                work.follow(from, weir_order_gate::follow::receivables(context, peers.way(from, Role::Receivables)?));
                work.follow(from, weir_order_gate::follow::collections(context, peers.way(from, Role::Collections)?));
                let context = Arc::clone(context);
                work.workers.spawn("order-gate does the work of the day", Pace::idle(DATES_REST), move || {
                    let context = Arc::clone(&context);
                    async move { context.step().await }
                });
            }
            Opened::Receivables(context) => {
                let context = Arc::clone(context);
                work.workers.spawn("receivables books payments and alerts", Pace::idle(DATES_REST), move || {
                    let context = Arc::clone(&context);
                    async move { context.step().await }
                });
            }
            Opened::Collections(context) => {
                let from = Role::Collections;
                work.follow(from, weir_collections::follow::receivables(context, peers.way(from, Role::Receivables)?));
                work.follow(from, weir_collections::follow::order_gate(context, peers.way(from, Role::OrderGate)?));
                work.follow(from, weir_collections::follow::limits(context, peers.way(from, Role::Limits)?));
                let context = Arc::clone(context);
                let wake_up = work.workers.spawn("collections sends notices", Pace::idle(SENDER_REST), move || {
                    let context = Arc::clone(&context);
                    async move { context.send_step().await }
                });
                work.wake_ups.push(wake_up);
            }
        }
        Ok(())
    }
}
