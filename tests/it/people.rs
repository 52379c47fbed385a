//! Who works with the suite.

use weir_model::{Currency, Money, Principal, Role, SubjectId};
use weir_tests::{Desk, World};

/// The people and programs around one seller.
pub(crate) struct People {
    /// Asks for limits.
    pub(crate) sales: Desk,
    /// Assesses, and approves what is large.
    pub(crate) manager: Desk,
    /// Approves first.
    pub(crate) analyst: Desk,
    /// Posts.
    pub(crate) finance: Desk,
    /// Works cases.
    pub(crate) collector: Desk,
    /// Asks the gate.
    pub(crate) pipeline: Desk,
}

impl People {
    /// Everybody at their desks.
    pub(crate) fn at(world: &World) -> People {
        People::with(|caller| world.desk(caller))
    }

    /// The same at desks of another kind.
    pub(crate) fn with(place: impl Fn(Principal) -> Desk) -> People {
        let desk = |name: &str, role, authority: i64| {
            let amount = Money::new(authority * 100, Currency::from_code("CNY").unwrap());
            place(Principal::new(SubjectId::parse(name).unwrap(), [role]).with_authority([amount]))
        };
        People {
            sales: desk("sam", Role::Sales, 0),
            manager: desk("mia", Role::CreditManager, 10_000_000),
            analyst: desk("ana", Role::CreditManager, 10_000_000),
            finance: desk("finn", Role::Finance, 0),
            collector: desk("cole", Role::Collector, 0),
            pipeline: desk("pipeline", Role::OrderPipeline, 0),
        }
    }
}
