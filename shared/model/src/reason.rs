//! The published reasons of errors: a caller's program may match on them.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal;)+) => {
        /// Why a call failed; published, append-only, the same list as `weir.common.v1.ErrorReason`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $variant,)+ }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Reason] = &[$(Reason::$variant),+];

            /// The reason's published name, in capitals.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$variant => $text),+ }
            }
        }
    };
}

reasons! {
    /// One or more fields are missing, malformed or out of range.
    InvalidArgument = "INVALID_ARGUMENT";
    /// What the request names does not exist.
    NotFound = "NOT_FOUND";
    /// It exists already, with other content.
    AlreadyExists = "ALREADY_EXISTS";
    /// The request id was used before with other content.
    IdempotencyMismatch = "IDEMPOTENCY_MISMATCH";
    /// The etag is not the resource's present one.
    EtagMismatch = "ETAG_MISMATCH";
    /// A concurrent change came first.
    Conflict = "CONFLICT";
    /// The position asked for is older than what the feed keeps: take a new snapshot.
    PositionCompacted = "POSITION_COMPACTED";
    /// The reader of a feed was too slow and has been disconnected.
    SlowReader = "SLOW_READER";
    /// The freshness asked for was not reached in time.
    NotFresh = "NOT_FRESH";
    /// The caller is unknown.
    Unauthenticated = "UNAUTHENTICATED";
    /// The caller may not.
    PermissionDenied = "PERMISSION_DENIED";
    /// The time allowed ran out.
    DeadlineExceeded = "DEADLINE_EXCEEDED";
    /// More calls at once than the server takes.
    Overloaded = "OVERLOADED";
    /// A message is larger than the server takes or sends.
    MessageTooLarge = "MESSAGE_TOO_LARGE";
    /// The part asked is not there right now.
    Unavailable = "UNAVAILABLE";
    /// A defect of the system.
    Internal = "INTERNAL";
    /// An amount would exceed what can be represented.
    AmountOverflow = "AMOUNT_OVERFLOW";
    /// The amount's currency is not the account's.
    CurrencyMismatch = "CURRENCY_MISMATCH";
    /// The resource's state does not allow the step.
    WrongState = "WRONG_STATE";
    /// The caller's authority does not cover the amount.
    AuthorityExceeded = "AUTHORITY_EXCEEDED";
    /// Nobody approves or releases what they asked for themselves.
    SelfApproval = "SELF_APPROVAL";
    /// The caller approved an earlier level already.
    AlreadyVoted = "ALREADY_VOTED";
    /// The weights of a scorecard do not sum to 100 %.
    WeightsNotHundred = "WEIGHTS_NOT_HUNDRED";
    /// The bins of a factor overlap, leave a gap or are not in order.
    BinsInvalid = "BINS_INVALID";
    /// There is no active scorecard for the date.
    NoActiveScorecard = "NO_ACTIVE_SCORECARD";
    /// A cross-border account has no country rating.
    CountryRatingMissing = "COUNTRY_RATING_MISSING";
    /// The account has no profile or credit account yet.
    AccountUnknown = "ACCOUNT_UNKNOWN";
    /// The amount lies outside the range of the account's grade.
    OutsideGradeRange = "OUTSIDE_GRADE_RANGE";
    /// The group would contain itself, or lie deeper than allowed.
    GroupCycle = "GROUP_CYCLE";
    /// Periods overlap where they must not.
    PeriodOverlap = "PERIOD_OVERLAP";
    /// An allocation exceeds what is open or unapplied.
    OverAllocation = "OVER_ALLOCATION";
    /// The document was posted before with other content.
    DocumentMismatch = "DOCUMENT_MISMATCH";
    /// A payment or allocation has been reversed already.
    AlreadyReversed = "ALREADY_REVERSED";
    /// The order revision was decided before with other content, or a newer one exists.
    OrderRevisionConflict = "ORDER_REVISION_CONFLICT";
    /// A run for a later date exists.
    RunOutOfOrder = "RUN_OUT_OF_ORDER";
    /// Another run is under way.
    RunInProgress = "RUN_IN_PROGRESS";
    /// The item has an open promise.
    PromiseOpen = "PROMISE_OPEN";
    /// The exchange rate is missing.
    FxRateMissing = "FX_RATE_MISSING";
    /// The exchange rate is too old.
    FxRateStale = "FX_RATE_STALE";
    /// No assessment of the account was approved.
    NotAssessed = "NOT_ASSESSED";
    /// The policy in use has nothing for the account's currency.
    NoPolicy = "NO_POLICY";
    /// The caller has called more often than it may.
    RateExceeded = "RATE_EXCEEDED";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
