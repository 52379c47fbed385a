//! The one place where an error becomes a gRPC status.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use weir_model::{Fault, Kind};

/// `domain` of every `google.rpc.ErrorInfo` we send.
pub const DOMAIN: &str = "weir";

/// The gRPC code of a kind of error.
pub const fn code(kind: Kind) -> Code {
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

/// The status a caller sees: code, one sentence, `ErrorInfo` with reason and facts, `BadRequest` with every bad
/// field, `RetryInfo` where trying again may help.
pub fn status(fault: Fault) -> Status {
    let metadata: HashMap<String, String> =
        fault.metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut details = ErrorDetails::with_error_info(fault.reason.as_str(), DOMAIN, metadata);
    for field in fault.fields {
        details.add_bad_request_violation(field.path, field.description);
    }
    if let Some(after) = fault.retry_after {
        details.set_retry_info(Some(after));
    }
    Status::with_error_details(code(fault.kind), fault.message.into_owned(), details)
}
