//! The one place where an error becomes a gRPC status.

use std::collections::HashMap;

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use weir_model::{Fault, FieldViolation, Kind};

use crate::google::rpc;

/// `domain` of every `google.rpc.ErrorInfo` we send.
pub const DOMAIN: &str = "weir";

/// Bytes of bad fields told at most: details travel in a trailer, and clients take trailers of 8 to 16 KiB, in which
/// each byte stands more than twice.
const BAD_FIELDS_BYTES_MAX: usize = 3_000;

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
/// field, `RetryInfo` where trying again may help. Where the bad fields are more than an answer can carry, the last
/// one tells how many more there are.
pub fn status(fault: Fault) -> Status {
    let fault = shortened(fault);
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

/// The status as a message, for an answer that tells of one error among many.
pub fn in_message(status: &Status) -> rpc::Status {
    let with_details = rpc::Status::decode(status.details()).ok().filter(|_| !status.details().is_empty());
    with_details.unwrap_or_else(|| rpc::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}

/// The fault with as many bad fields as an answer can carry, and a word on how many more there are.
fn shortened(mut fault: Fault) -> Fault {
    let mut bytes = 0;
    let fits = fault.fields.iter().take_while(|field| {
        bytes += 2 * field.path.len() + field.description.len();
        bytes <= BAD_FIELDS_BYTES_MAX
    });
    let kept = fits.count();
    let more = fault.fields.len() - kept;
    if more > 0 {
        fault.fields.truncate(kept);
        let names: Vec<&str> = fault.fields.iter().map(|field| field.path.as_str()).collect();
        fault.message = format!("invalid: {} and {more} more", names.join(", ")).into();
        fault
            .fields
            .push(FieldViolation { path: String::new(), description: format!("{more} more fields are invalid") });
    }
    fault
}
