//! The words every part of Weir shares: money, identifiers, time, the caller and the one error.
//!
//! Pure: no async, no SQL, no protobuf. Nothing here knows a context, or a rule that only one has.

mod calendar;
mod call;
mod clock;
mod country;
mod currency;
mod fault;
mod feed;
mod ids;
mod money;
mod payment_index;
mod principal;
mod reason;

pub use calendar::{add_days, days_past_due, end_of_month};
pub use call::{Call, Fingerprint};
pub use clock::Clock;
pub use country::{Country, NoCountry};
pub use currency::{Currency, UnknownCurrency};
pub use fault::{Fault, FieldViolation, Fields, Kind};
pub use feed::{FeedStep, SnapshotStep, SourceError};
pub use ids::{
    AccountId, AllocationId, AssessmentId, CaseId, ContactId, CorrelationId, DecisionId, DeliveryId, GroupId, HoldId,
    IdError, Ids, InsuranceId, ItemId, LimitId, LimitRequestId, LineId, NoticeId, OrderId, PaymentId, PolicyId,
    PromiseId, RequestId, ScorecardId, StrategyId, SubjectId, TaskId, TextId,
};
pub use money::{Money, MoneyError};
pub use payment_index::{Payment, payment_index};
pub use principal::{Principal, Role, UnknownRole};
pub use reason::Reason;

#[cfg(test)]
mod tests;
