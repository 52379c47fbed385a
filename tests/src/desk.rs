//! A caller at a suite: a client of every service.

use std::sync::Arc;

use weir::roles::Role;
use weir_wire::{
    Peer,
    assessment::v1::{
        assessment_service_client::AssessmentServiceClient, profile_service_client::ProfileServiceClient,
    },
    collections::v1::collections_service_client::CollectionsServiceClient,
    limits::v1::limits_service_client::LimitsServiceClient,
    order_gate::v1::order_gate_service_client::OrderGateServiceClient,
    receivables::v1::receivables_service_client::ReceivablesServiceClient,
};

/// A caller at a suite; cheap to clone.
#[derive(Clone)]
pub struct Desk {
    way_to: Arc<dyn Fn(Role) -> Peer + Send + Sync>,
}

impl Desk {
    pub(crate) fn new(way_to: impl Fn(Role) -> Peer + Send + Sync + 'static) -> Self {
        Desk { way_to: Arc::new(way_to) }
    }

    /// With a way of its own to each role.
    pub(crate) fn far(peers: [(Role, Peer); Role::ALL.len()]) -> Self {
        Desk::new(move |role| peers.iter().find(|(of, _)| *of == role).expect("every role").1.clone())
    }

    /// The way to a context, for a client not listed here.
    pub fn peer(&self, role: Role) -> Peer {
        (self.way_to)(role)
    }

    /// Profiles and facts.
    pub fn profiles(&self) -> ProfileServiceClient<Peer> {
        ProfileServiceClient::new(self.peer(Role::Assessment))
    }

    /// Assessments.
    pub fn assessments(&self) -> AssessmentServiceClient<Peer> {
        AssessmentServiceClient::new(self.peer(Role::Assessment))
    }

    /// Limits.
    pub fn limits(&self) -> LimitsServiceClient<Peer> {
        LimitsServiceClient::new(self.peer(Role::Limits))
    }

    /// The order gate.
    pub fn gate(&self) -> OrderGateServiceClient<Peer> {
        OrderGateServiceClient::new(self.peer(Role::OrderGate))
    }

    /// Receivables.
    pub fn receivables(&self) -> ReceivablesServiceClient<Peer> {
        ReceivablesServiceClient::new(self.peer(Role::Receivables))
    }

    /// Collections.
    pub fn collections(&self) -> CollectionsServiceClient<Peer> {
        CollectionsServiceClient::new(self.peer(Role::Collections))
    }
}
