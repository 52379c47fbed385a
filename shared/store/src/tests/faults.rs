//! What a caller is told of the store's errors.
use weir_model::{Fault, Kind, Reason};

use crate::Error;

#[test]
fn a_conflict_is_aborted() {
    let fault = Fault::from(Error::Retry("deadlock detected".to_owned()));
    assert_eq!((fault.kind, fault.reason), (Kind::Aborted, Reason::Conflict));
}

#[test]
fn a_lost_database_is_unavailable_with_a_time_to_try_again() {
    let fault = Fault::from(Error::from(sqlx::Error::PoolTimedOut));
    assert_eq!((fault.kind, fault.reason), (Kind::Unavailable, Reason::Unavailable));
    assert!(fault.retry_after.is_some());
}

#[test]
fn another_content_under_a_request_id_is_told() {
    let fault = Fault::from(Error::IdempotencyMismatch);
    assert_eq!((fault.kind, fault.reason), (Kind::AlreadyExists, Reason::IdempotencyMismatch));
}

#[test]
fn a_compacted_position_is_told_with_where_compaction_is() {
    let fault = Fault::from(Error::PositionCompacted { compacted: 17 });
    assert_eq!((fault.kind, fault.reason), (Kind::FailedPrecondition, Reason::PositionCompacted));
    assert_eq!(fault.metadata, [("compacted_position", "17".to_owned())]);
}

#[test]
fn a_slow_reader_is_told() {
    let fault = Fault::from(Error::SlowReader);
    assert_eq!((fault.kind, fault.reason), (Kind::ResourceExhausted, Reason::SlowReader));
}

#[test]
fn whatever_else_goes_wrong_is_internal_and_keeps_its_cause() {
    let secret = "relation limits.secret does not exist";
    let causes = [
        Error::Database(sqlx::Error::Protocol(secret.to_owned())),
        Error::Duplicate(secret.to_owned()),
        Error::Migration(secret.to_owned()),
        Error::NotFound,
    ];
    for cause in causes {
        let fault = Fault::from(cause);
        assert_eq!((fault.kind, fault.reason), (Kind::Internal, Reason::Internal));
        assert!(!format!("{fault} {:?}", fault.metadata).contains("secret"));
    }
}
