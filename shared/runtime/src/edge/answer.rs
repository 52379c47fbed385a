//! Turns what the edge refuses into gRPC answers, with the details callers may match on.
//!
//! The edge reads no fields, so it names none. What services answer is turned by the wire, which this crate must not
//! know.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};
use weir_model::{Fault, Kind, Reason};

/// The `domain` of every `ErrorInfo` we send.
const DOMAIN: &str = "weir";

/// The status that tells a caller of a fault.
pub(crate) fn status(fault: &Fault) -> Status {
    let metadata: HashMap<String, String> =
        fault.metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let mut details = ErrorDetails::new();
    details.set_error_info(fault.reason.as_str(), DOMAIN, metadata);
    if let Some(after) = fault.retry_after {
        details.set_retry_info(Some(after));
    }
    Status::with_error_details(code(fault.kind), fault.message.as_ref(), details)
}

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

fn code(kind: Kind) -> Code {
    match kind {
        Kind::InvalidArgument => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::Aborted => Code::Aborted,
        Kind::ResourceExhausted => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::Internal => Code::Internal,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::PermissionDenied => Code::PermissionDenied,
        Kind::DeadlineExceeded => Code::DeadlineExceeded,
    }
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
