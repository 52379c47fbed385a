//! One call into a context: who asks, what for, when.

use chrono::{DateTime, NaiveDate, Utc};

use crate::{CorrelationId, Principal, RequestId};

/// A digest of a request's content: tells a repetition from another request under the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// What the edge learned about a call; handed to every operation that changes something.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who asks.
    pub principal: Principal,
    /// The rpc's full name, such as `weir.limits.v1.LimitsService/SubmitLimitRequest`; the name of the job for
    /// work nobody called for.
    pub rpc: &'static str,
    /// Makes a mutation idempotent where the client gave one.
    pub request_id: Option<RequestId>,
    /// Digest of the request's content.
    pub fingerprint: Fingerprint,
    /// What the call belongs to, from the first decision on an order to the last reminder.
    pub correlation_id: CorrelationId,
    /// W3C `traceparent` of the call, kept in the journal so that followers go on in the same trace.
    pub trace: Option<String>,
    /// The instant the call came in.
    pub at: DateTime<Utc>,
    /// The business date at that instant.
    pub today: NaiveDate,
}

impl Call {
    /// A call that the system makes on its own: a follower's step, a scheduled run.
    pub fn internal(job: &'static str, correlation_id: CorrelationId, at: DateTime<Utc>, today: NaiveDate) -> Self {
        Call {
            principal: Principal::service("weir"),
            rpc: job,
            request_id: None,
            fingerprint: Fingerprint([0; 32]),
            correlation_id,
            trace: None,
            at,
            today,
        }
    }

    /// The same call with the client's request id.
    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<RequestId>) -> Self {
        self.request_id = request_id;
        self
    }
}
