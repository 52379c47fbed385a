//! What the edge refuses, as faults, with the reasons callers may match on.
//!
//! The edge reads no fields, so it names none. How a fault is told is not known here: the wire tells it, for the edge and
//! for services alike.

use std::time::Duration;

use tonic::{Code, Status};
use weir_model::{Fault, Kind, Reason};

/// The one way a fault is told to a caller.
pub type Tell = fn(Fault) -> Status;

/// The caller could not be identified.
pub(crate) fn unauthenticated(message: &'static str) -> Fault {
    Fault::new(Kind::Unauthenticated, Reason::Unauthenticated, message)
}

/// The caller may not; says the same for a method that does not exist.
pub(crate) fn denied() -> Fault {
    Fault::new(Kind::PermissionDenied, Reason::PermissionDenied, "the caller may not call this method")
}

/// The time allowed ran out.
pub(crate) fn late() -> Fault {
    Fault::new(Kind::DeadlineExceeded, Reason::DeadlineExceeded, "the time allowed for the call ran out")
}

/// The caller has called more often than it may.
pub(crate) fn too_often(wait: Duration) -> Fault {
    Fault::new(Kind::ResourceExhausted, Reason::RateExceeded, "the caller has called more often than it may")
        .retry_after(wait)
}

/// A message is larger than the edge lets through; trying again does not help.
pub(crate) fn too_large(bytes: usize, bytes_max: usize) -> Fault {
    Fault::new(
        Kind::ResourceExhausted,
        Reason::MessageTooLarge,
        format!("a message of {bytes} bytes exceeds the limit of {bytes_max} bytes"),
    )
    .with("bytes", bytes)
    .with("bytes_max", bytes_max)
}

/// The name of a code as metrics, spans and the gRPC documents spell it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
