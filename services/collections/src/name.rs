//! Names of closed sets, as columns and journal entries hold them. One list a set, read in both directions.

/// Gives an enumeration of plain variants its names: `as_str` and `from_name`.
macro_rules! names {
    ($($type:ty { $($variant:ident = $name:literal),+ $(,)? })+) => {$(
        impl $type {
            /// The name as stored.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(<$type>::$variant => $name),+ }
            }

            /// The value of a stored name.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(<$type>::$variant),)+ _ => None }
            }
        }
    )+};
}

names! {
    crate::strategy::Grade { A = "a", B = "b", C = "c", D = "d" }
    crate::strategy::Owner { Sales = "sales", Finance = "finance", Legal = "legal" }
    crate::strategy::Tone { Reminder = "reminder", Friendly = "friendly", Formal = "formal", Final = "final" }
    crate::strategy::TaskKind {
        Call = "call",
        Letter = "letter",
        LegalReview = "legal_review",
        FindAddress = "find_address",
        BrokenPromise = "broken_promise",
    }
    crate::strategy::StrategyState { Draft = "draft", Active = "active", Retired = "retired" }
    crate::case::CaseState { Open = "open", Closed = "closed" }
    crate::task::TaskState { Open = "open", Done = "done", Closed = "closed" }
    crate::promise::PromiseState {
        Open = "open",
        Kept = "kept",
        PartlyKept = "partly_kept",
        Broken = "broken",
        Cancelled = "cancelled",
    }
    crate::contact::ContactChannel {
        Phone = "phone",
        Email = "email",
        Letter = "letter",
        Chat = "chat",
        Visit = "visit",
    }
    crate::contact::ContactOutcome {
        NotReached = "not_reached",
        Reached = "reached",
        Promised = "promised",
        Disputed = "disputed",
        Refused = "refused",
        ClaimsPaid = "claims_paid",
    }
    crate::pause::PauseKind {
        Dispute = "dispute",
        Plan = "plan",
    }
    crate::notice::NoticeKind {
        Debtor = "debtor",
        HoldFinanceManager = "hold_finance_manager",
        HoldSalesHead = "hold_sales_head",
    }
    crate::notice::NoticeState {
        Queued = "queued",
        Sending = "sending",
        Sent = "sent",
        Cancelled = "cancelled",
        Failed = "failed",
    }
    crate::notice::Language { En = "en", ZhCn = "zh-CN" }
}
