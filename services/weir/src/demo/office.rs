//! The people and programs that use the suite: each calls as itself, through the edge, as anybody would.

use weir_model::{Currency, Money, Principal, Role, SubjectId};
use weir_wire::{
    Peer,
    assessment::v1::{
        assessment_service_client::AssessmentServiceClient, profile_service_client::ProfileServiceClient,
    },
    collections::v1::collections_service_client::CollectionsServiceClient,
    emit,
    google::r#type as pb,
    limits::v1::limits_service_client::LimitsServiceClient,
    order_gate::v1::order_gate_service_client::OrderGateServiceClient,
    receivables::v1::receivables_service_client::ReceivablesServiceClient,
};

use crate::suite::Suite;

/// The currency everything is sold in.
pub(super) const CURRENCY: &str = "CNY";

/// What the credit manager may approve: 500,000.
pub(super) const MANAGER_AUTHORITY: i64 = 50_000_000;
/// What the head of credit and the chief financial officer may approve: 5,000,000.
const HEAD_AUTHORITY: i64 = 500_000_000;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Brings customers in.
    Sales,
    /// Assesses, approves, releases.
    Manager,
    /// The manager's superior.
    Head,
    /// The second signature on large limits.
    Officer,
    /// Posts invoices and payments.
    Finance,
    /// Works the worklist.
    Collector,
    /// The program orders come from.
    Pipeline,
}

impl Who {
    const ALL: [Who; 7] =
        [Who::Sales, Who::Manager, Who::Head, Who::Officer, Who::Finance, Who::Collector, Who::Pipeline];

    /// The name it goes by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Who::Sales => "wang.lei",
            Who::Manager => "lin.mei",
            Who::Head => "zhou.wei",
            Who::Officer => "anna.berg",
            Who::Finance => "xu.fang",
            Who::Collector => "ma.chao",
            Who::Pipeline => "order-pipeline",
        }
    }

    fn principal(self) -> Principal {
        let (role, authority) = match self {
            Who::Sales => (Role::Sales, 0),
            Who::Manager => (Role::CreditManager, MANAGER_AUTHORITY),
            Who::Head | Who::Officer => (Role::CreditManager, HEAD_AUTHORITY),
            Who::Finance => (Role::Finance, 0),
            Who::Collector => (Role::Collector, 0),
            Who::Pipeline => (Role::OrderPipeline, 0),
        };
        let subject = SubjectId::parse(self.name()).expect("printable ASCII");
        let caller = Principal::new(subject, [role]);
        if authority == 0 { caller } else { caller.with_authority([Money::new(authority, currency())]) }
    }
}

/// Ways into the suite, one a caller. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Office {
    peers: Vec<(Who, Peer)>,
}

impl Office {
    pub(super) fn new(suite: &Suite) -> Self {
        Office { peers: Who::ALL.into_iter().map(|who| (who, suite.peer(who.principal()))).collect() }
    }

    fn peer(&self, who: Who) -> Peer {
        let found = self.peers.iter().find(|(known, _)| *known == who);
        found.map(|(_, peer)| peer.clone()).expect("everybody has a way in")
    }

    pub(super) fn profiles(&self, who: Who) -> ProfileServiceClient<Peer> {
        ProfileServiceClient::new(self.peer(who))
    }

    pub(super) fn assessment(&self, who: Who) -> AssessmentServiceClient<Peer> {
        AssessmentServiceClient::new(self.peer(who))
    }

    pub(super) fn limits(&self, who: Who) -> LimitsServiceClient<Peer> {
        LimitsServiceClient::new(self.peer(who))
    }

    pub(super) fn gate(&self, who: Who) -> OrderGateServiceClient<Peer> {
        OrderGateServiceClient::new(self.peer(who))
    }

    pub(super) fn receivables(&self, who: Who) -> ReceivablesServiceClient<Peer> {
        ReceivablesServiceClient::new(self.peer(who))
    }

    pub(super) fn collections(&self, who: Who) -> CollectionsServiceClient<Peer> {
        CollectionsServiceClient::new(self.peer(who))
    }
}

/// The currency everything is sold in.
pub(super) fn currency() -> Currency {
    Currency::from_code(CURRENCY).expect("a currency of ISO 4217")
}

/// An amount in minor units, as a message.
pub(super) fn money(minor: i64) -> pb::Money {
    emit::money(Money::new(minor, currency()))
}

/// The minor units of an amount of a message; zero when it is unset.
pub(super) fn minor(money: Option<&pb::Money>) -> i64 {
    crate::print::read_money(money).map_or(0, Money::minor)
}
