//! Ways to the other contexts: through this process's own edge, or over TCP.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use http::{Request, header::AUTHORIZATION};
use tonic::{body::Body, transport::Endpoint};
use weir_model::Principal;
use weir_runtime::{Credentials, Edge, edge::pass_deadline_on, telemetry::pass_trace_on};
use weir_wire::{Peer, Prepare};

use crate::{roles::Role, settings::Settings};

/// A peer that does not answer a connection within this time is tried again later.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After which silence a peer is asked whether it is still there; feeds are silent for long.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// The ways from one process to every context it needs.
pub(super) struct Peers<'a> {
    edge: &'a Edge,
    roles: &'a [Role],
    settings: &'a Settings,
}

impl<'a> Peers<'a> {
    pub(super) fn new(edge: &'a Edge, roles: &'a [Role], settings: &'a Settings) -> Self {
        Peers { edge, roles, settings }
    }

    /// The way from a role to another: near where this process plays both.
    ///
    /// # Errors
    /// Where the other is played elsewhere and nobody said where.
    pub(super) fn way(&self, from: Role, to: Role) -> anyhow::Result<Peer> {
        let caller = Principal::service(from.as_str());
        if self.roles.contains(&to) {
            return Ok(near(self.edge, caller));
        }
        let address = self.settings.peer_address(to);
        if address.is_empty() {
            bail!("{from} follows {to}, which this process does not play: set peers.{}", to.database());
        }
        far(address, Credentials::service(&self.settings.principal, &caller)?)
    }
}

/// A context of this process: the caller is handed over, not proven.
pub(super) fn near(edge: &Edge, caller: Principal) -> Peer {
    Peer::new(edge.clone(), prepare(Credentials::near(caller)))
}

/// A context of another process; connects when first used, and again after a break.
///
/// # Errors
/// Where the address is none.
pub fn far(address: &str, credentials: Credentials) -> anyhow::Result<Peer> {
    Ok(Peer::new(endpoint(address)?.connect_lazy(), prepare(credentials)))
}

fn endpoint(address: &str) -> anyhow::Result<Endpoint> {
    Ok(Endpoint::from_shared(address.to_owned())
        .with_context(|| format!("{address:?} is no address, as http://127.0.0.1:7460 is"))?
        .tcp_nodelay(true)
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_while_idle(true))
}

/// Ways to another process of the same role, for calls it answers in this one's place, each in its own caller's name.
pub(super) fn onward() -> weir_order_gate::api::Connect {
    Arc::new(|address| {
        let endpoint = endpoint(address).inspect_err(|error| tracing::warn!(%error, "calls are not passed on")).ok()?;
        let prepare = |request: &mut Request<Body>| {
            // a token is passed on as it came; a name is shown anew, to a process that asks for no more
            let caller = request.extensions().get::<Principal>().cloned();
            if let Some(caller) = caller.filter(|_| !request.headers().contains_key(AUTHORIZATION)) {
                Credentials::named(&caller).attach(request);
            }
            pass_trace_on(request.headers_mut());
        };
        Some(Peer::new(endpoint.connect_lazy(), Arc::new(prepare)))
    })
}

fn prepare(credentials: Credentials) -> Prepare {
    Arc::new(move |request: &mut Request<Body>| {
        credentials.attach(request);
        pass_trace_on(request.headers_mut());
        pass_deadline_on(request.headers_mut());
    })
}
