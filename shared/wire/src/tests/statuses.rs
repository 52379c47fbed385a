use std::time::Duration;

use tonic::Code;
use tonic_types::StatusExt;
use weir_model::{Fault, Fields, Kind, Reason};

use crate::{common::v1::ErrorReason, in_message, status};

#[test]
fn a_bad_request_lists_every_field() {
    let mut fields = Fields::default();
    fields.add("account_id", "must not be empty");
    fields.add("amount", "must be positive");
    let status = status(fields.finish().unwrap_err());
    let details = status.get_error_details();
    let paths: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
    assert_eq!((status.code(), paths), (Code::InvalidArgument, vec!["account_id", "amount"]));
}

#[test]
fn more_bad_fields_than_an_answer_can_carry_are_counted() {
    let mut fields = Fields::default();
    (0..500).for_each(|n| fields.add(format!("bins[{n}].low"), "must be below its high"));
    let status = status(fields.finish().unwrap_err());
    let told = status.get_error_details().bad_request().unwrap().field_violations.clone();
    let more: usize = told.last().unwrap().description.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(told.len() - 1 + more, 500);
    assert!(status.details().len() + status.message().len() < 6_000);
}

#[test]
fn every_error_carries_reason_and_domain() {
    let fault = Fault::precondition(Reason::AuthorityExceeded, "not enough authority").with("excess", "30000.00 CNY");
    let status = status(fault);
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("AUTHORITY_EXCEEDED", "weir"));
    assert_eq!(info.metadata["excess"], "30000.00 CNY");
}

#[test]
fn a_retry_hint_reaches_the_caller() {
    let fault = Fault::new(Kind::Unavailable, Reason::Unavailable, "reloading").retry_after(Duration::from_millis(50));
    let details = status(fault).get_error_details();
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(50)));
}

#[test]
fn a_status_in_a_message_says_what_it_says_as_a_calls_end() {
    let status = status(Fault::invalid("order.lines[2].amount", "must not be negative"));
    let told = in_message(&status);
    assert_eq!((told.code, told.message.as_str()), (3, status.message()));
    let types: Vec<_> = told.details.iter().map(|detail| detail.type_url.as_str()).collect();
    assert_eq!(types, ["type.googleapis.com/google.rpc.ErrorInfo", "type.googleapis.com/google.rpc.BadRequest"]);
    let bare = in_message(&tonic::Status::unavailable("gone"));
    assert_eq!((bare.code, bare.message.as_str(), bare.details.len()), (14, "gone", 0));
}

#[test]
fn the_published_reasons_are_the_models() {
    for reason in Reason::ALL {
        let published = format!("ERROR_REASON_{}", reason.as_str());
        assert!(ErrorReason::from_str_name(&published).is_some(), "{published} is missing in error_reason.proto");
    }
    let count = (1..).take_while(|value| ErrorReason::try_from(*value).is_ok()).count();
    assert_eq!(count, Reason::ALL.len());
}
