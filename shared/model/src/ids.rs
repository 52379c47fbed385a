//! Identifiers that cannot be confused, and where new ones come from.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest identifier, in characters.
const LENGTH_MAX: usize = 64;

/// Why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// More than 64 characters.
    #[error("must be at most 64 characters")]
    TooLong,
    /// A character outside printable ASCII, or a space.
    #[error("must be printable ASCII without spaces")]
    BadCharacter,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(IdError::BadCharacter);
    }
    if text.len() > LENGTH_MAX {
        return Err(IdError::TooLong);
    }
    Ok(())
}

/// What all identifiers have in common: 1 to 64 printable ASCII characters without spaces.
pub trait TextId: Sized {
    /// Reads an identifier.
    fn parse(text: &str) -> Result<Self, IdError>;
    /// The identifier's text.
    fn as_str(&self) -> &str;
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl $name {
            /// Reads an identifier of 1 to 64 printable ASCII characters without spaces.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The identifier's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl TextId for $name {
            fn parse(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }

            fn as_str(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.as_str().to_owned()
            }
        }
    )+};
}

text_ids! {
    /// A customer as credit counterparty.
    AccountId;
    /// Accounts of one parent.
    GroupId;
    /// An order, as the order pipeline calls it.
    OrderId;
    /// A line of an order, within the order.
    LineId;
    /// A delivery document.
    DeliveryId;
    /// An order stopped at the gate.
    HoldId;
    /// One answer of the gate.
    DecisionId;
    /// An open item: invoice, credit note, debit note, charge.
    ItemId;
    /// A payment received.
    PaymentId;
    /// One allocation of a payment or credit note to an item.
    AllocationId;
    /// One assessment of an account.
    AssessmentId;
    /// A version of a scorecard.
    ScorecardId;
    /// A request to change a limit.
    LimitRequestId;
    /// One limit, effective-dated.
    LimitId;
    /// Credit insurance of an account.
    InsuranceId;
    /// A collections case.
    CaseId;
    /// A task on a worklist.
    TaskId;
    /// A logged contact with a debtor.
    ContactId;
    /// A promise to pay.
    PromiseId;
    /// A notice sent or to be sent.
    NoticeId;
    /// A collections strategy.
    StrategyId;
    /// A version of a policy.
    PolicyId;
    /// The client-made id that makes a mutation idempotent.
    RequestId;
    /// What ties together everything that follows from one order.
    CorrelationId;
    /// Who acts: a person or a service.
    SubjectId;
}

/// Where new identifiers come from. Cheap to clone; clones share their sequence.
#[derive(Clone, Debug)]
pub struct Ids(Source);

#[derive(Clone, Debug)]
enum Source {
    Random,
    Seeded(Arc<Mutex<u128>>),
}

impl Ids {
    /// Time-ordered random identifiers (UUIDv7), for production.
    pub fn random() -> Self {
        Ids(Source::Random)
    }

    /// The same sequence for the same seed, for tests, simulations and the demo.
    pub fn seeded(seed: u64) -> Self {
        Ids(Source::Seeded(Arc::new(Mutex::new(u128::from(seed) << 64))))
    }

    /// The next identifier.
    pub fn next<T: TextId>(&self) -> T {
        let uuid = self.next_uuid();
        T::parse(&uuid.as_hyphenated().to_string()).expect("a hyphenated UUID is 36 printable ASCII characters")
    }

    #[expect(clippy::disallowed_methods, reason = "the one home of fresh ids")]
    fn next_uuid(&self) -> Uuid {
        match &self.0 {
            Source::Random => Uuid::now_v7(),
            Source::Seeded(counter) => {
                let mut counter = counter.lock();
                *counter = counter.wrapping_add(1);
                Uuid::from_u128(*counter)
            }
        }
    }
}
